package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PersistentMapTest {

  @Test
  void itIsATreeMapWhoseEarlierVersionsStay() {
    Random random = new Random(11);
    PersistentMap<Integer, Integer> map = PersistentMap.empty();
    TreeMap<Integer, Integer> reference = new TreeMap<>();
    List<PersistentMap<Integer, Integer>> versions = new ArrayList<>();
    List<Map<Integer, Integer>> references = new ArrayList<>();

    for (int step = 0; step < 3000; step++) {
      int key = random.nextInt(300);
      if (random.nextInt(3) == 0) {
        map = map.without(key);
        reference.remove(key);
      } else {
        map = map.with(key, step);
        reference.put(key, step);
      }
      if (step % 50 == 0) {
        versions.add(map);
        references.add(new TreeMap<>(reference));
      }
      assertThat(map.get(key)).isEqualTo(reference.get(key));
      assertThat(map).hasSameSizeAs(reference);
    }

    for (int i = 0; i < versions.size(); i++) {
      assertThat(new ArrayList<>(versions.get(i).entrySet()))
          .as("version " + i)
          .isEqualTo(new ArrayList<>(references.get(i).entrySet()));
    }
  }

  /// As in every AVL tree: the subtrees of no key differ in height by more than one.
  @Test
  void everyOrderOfKeysGivesABalancedTreeAlsoOnceSomeAreGone() throws ReflectiveOperationException {
    Random random = new Random(7);
    for (int round = 0; round < 200; round++) {
      List<Integer> keys = new ArrayList<>(IntStream.range(0, 16).boxed().toList());
      Collections.shuffle(keys, random);
      PersistentMap<Integer, Integer> map = PersistentMap.empty();
      for (int key : keys) {
        map = map.with(key, key);
        assertBalanced(map, "round " + round);
      }
      for (int key : keys.subList(0, 9)) {
        map = map.without(key);
        assertBalanced(map, "round " + round);
      }
      assertThat(new ArrayList<>(map.keySet()))
          .isEqualTo(keys.subList(9, 16).stream().sorted().toList());
    }
  }

  private static void assertBalanced(PersistentMap<Integer, Integer> map, String which)
      throws ReflectiveOperationException {
    height(field(PersistentMap.class, map, "root"), which);
  }

  private static int height(@Nullable Object node, String which)
      throws ReflectiveOperationException {
    if (node == null) {
      return 0;
    }
    int left = height(field(node.getClass(), node, "left"), which);
    int right = height(field(node.getClass(), node, "right"), which);
    assertThat(Math.abs(left - right)).as(which).isLessThanOrEqualTo(1);
    return Math.max(left, right) + 1;
  }

  private static @Nullable Object field(Class<?> type, Object of, String name)
      throws ReflectiveOperationException {
    Field field = type.getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  @Test
  void manyKeysInOrderDoNotMakeItDeep() {
    PersistentMap<Integer, Integer> map = PersistentMap.empty();
    for (int i = 0; i < 100_000; i++) {
      map = map.with(i, i); // a degenerate tree would overflow the stack
    }

    assertThat(map).hasSize(100_000).containsEntry(77_777, 77_777);
    assertThat(new ArrayList<>(map.keySet())).isSorted();
  }
}
