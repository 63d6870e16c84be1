package dev.comity.session;

import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// An immutable sorted map whose changed copies share all but the path to what changed: a search
/// tree balanced by height (Adelson-Velsky and Landis 1962). The states of a session are made of
/// these, so that one message in a session of 10,000 sites does not copy 10,000 entries.
final class PersistentMap<K extends Comparable<? super K>, V> extends AbstractMap<K, V> {

  private record Node<K, V>(
      K key, V value, @Nullable Node<K, V> left, @Nullable Node<K, V> right, int height, int size) {
    Node(K key, V value, @Nullable Node<K, V> left, @Nullable Node<K, V> right) {
      this(
          key,
          value,
          left,
          right,
          Math.max(heightOf(left), heightOf(right)) + 1,
          sizeOf(left) + sizeOf(right) + 1);
    }
  }

  private final @Nullable Node<K, V> root;

  private PersistentMap(@Nullable Node<K, V> root) {
    this.root = root;
  }

  static <K extends Comparable<? super K>, V> PersistentMap<K, V> empty() {
    return new PersistentMap<>(null);
  }

  static <K extends Comparable<? super K>, V> PersistentMap<K, V> of(Map<K, V> entries) {
    PersistentMap<K, V> map = empty();
    for (Map.Entry<K, V> entry : entries.entrySet()) {
      map = map.with(entry.getKey(), entry.getValue());
    }
    return map;
  }

  /// With `value` for `key`, whatever was there before.
  PersistentMap<K, V> with(K key, V value) {
    return new PersistentMap<>(with(root, key, value));
  }

  PersistentMap<K, V> without(K key) {
    return containsKey(key) ? new PersistentMap<>(without(root, key)) : this;
  }

  private static <K extends Comparable<? super K>, V> Node<K, V> with(
      @Nullable Node<K, V> node, K key, V value) {
    if (node == null) {
      return new Node<>(key, value, null, null);
    }
    int order = key.compareTo(node.key);
    if (order == 0) {
      return new Node<>(key, value, node.left, node.right);
    }
    return order < 0
        ? balanced(node, with(node.left, key, value), node.right)
        : balanced(node, node.left, with(node.right, key, value));
  }

  /// `key` is in `node`.
  private static <K extends Comparable<? super K>, V> @Nullable Node<K, V> without(
      @Nullable Node<K, V> node, K key) {
    if (node == null) {
      return null;
    }
    int order = key.compareTo(node.key);
    if (order < 0) {
      return balanced(node, without(node.left, key), node.right);
    }
    if (order > 0) {
      return balanced(node, node.left, without(node.right, key));
    }
    if (node.left == null || node.right == null) {
      return node.left == null ? node.right : node.left;
    }
    Node<K, V> next = node.right;
    while (next.left != null) {
      next = next.left;
    }
    return balanced(next, node.left, without(node.right, next.key));
  }

  /// The entry of `middle` between two trees whose heights differ by at most two.
  private static <K, V> Node<K, V> balanced(
      Node<K, V> middle, @Nullable Node<K, V> left, @Nullable Node<K, V> right) {
    if (left != null && left.height > heightOf(right) + 1) {
      Node<K, V> inner = left.right;
      if (inner == null || heightOf(left.left) >= inner.height) {
        return node(left, left.left, node(middle, inner, right));
      }
      return node(inner, node(left, left.left, inner.left), node(middle, inner.right, right));
    }
    if (right != null && right.height > heightOf(left) + 1) {
      Node<K, V> inner = right.left;
      if (inner == null || heightOf(right.right) >= inner.height) {
        return node(right, node(middle, left, inner), right.right);
      }
      return node(inner, node(middle, left, inner.left), node(right, inner.right, right.right));
    }
    return node(middle, left, right);
  }

  private static <K, V> Node<K, V> node(
      Node<K, V> entry, @Nullable Node<K, V> left, @Nullable Node<K, V> right) {
    return new Node<>(entry.key, entry.value, left, right);
  }

  private static int heightOf(@Nullable Node<?, ?> node) {
    return node == null ? 0 : node.height;
  }

  private static int sizeOf(@Nullable Node<?, ?> node) {
    return node == null ? 0 : node.size;
  }

  @Override
  public int size() {
    return sizeOf(root);
  }

  @Override
  public boolean containsKey(@Nullable Object key) {
    return find(key) != null;
  }

  @Override
  public @Nullable V get(@Nullable Object key) {
    Node<K, V> node = find(key);
    return node == null ? null : node.value;
  }

  @SuppressWarnings("unchecked") // as in every sorted map: the caller's key is of its kind
  private @Nullable Node<K, V> find(@Nullable Object key) {
    if (key == null) {
      return null;
    }
    Node<K, V> node = root;
    while (node != null) {
      int order = ((K) key).compareTo(node.key);
      if (order == 0) {
        return node;
      }
      node = order < 0 ? node.left : node.right;
    }
    return null;
  }

  /// In the order of the keys.
  @Override
  public Set<Map.Entry<K, V>> entrySet() {
    return new AbstractSet<>() {
      @Override
      public Iterator<Map.Entry<K, V>> iterator() {
        return new Ascending<>(root);
      }

      @Override
      public int size() {
        return PersistentMap.this.size();
      }
    };
  }

  private static final class Ascending<K, V> implements Iterator<Map.Entry<K, V>> {
    private final Deque<Node<K, V>> pending = new ArrayDeque<>();

    Ascending(@Nullable Node<K, V> root) {
      descend(root);
    }

    private void descend(@Nullable Node<K, V> from) {
      for (Node<K, V> node = from; node != null; node = node.left) {
        pending.push(node);
      }
    }

    @Override
    public boolean hasNext() {
      return !pending.isEmpty();
    }

    @Override
    public Map.Entry<K, V> next() {
      if (pending.isEmpty()) {
        throw new NoSuchElementException();
      }
      Node<K, V> node = pending.pop();
      descend(node.right);
      return Map.entry(node.key, node.value);
    }
  }
}
