package dev.comity.session;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.update.MaskedUpdate;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// A vault whose power can fail before its n-th write. What was written stays, as on a disk.
final class MemoryVault implements SiteVault {
  /// The process died.
  static final class PowerLost extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private record Key(Digest session, Item item) {}

  private final Map<Key, byte[]> items = new HashMap<>();
  private final Map<Digest, MaskedUpdate> inputs = new HashMap<>();
  private final Set<Digest> erased = new HashSet<>();
  private final Map<Digest, Digest> locks = new HashMap<>();
  private final Set<Digest> spent = new HashSet<>();
  private final Map<SiteId, Long> seen = new HashMap<>();
  private long counter;
  private int writesLeft = Integer.MAX_VALUE;

  /// A backup of all that is in this vault.
  MemoryVault backup() {
    MemoryVault copy = new MemoryVault();
    copy.items.putAll(items);
    copy.inputs.putAll(inputs);
    copy.erased.addAll(erased);
    copy.locks.putAll(locks);
    copy.spent.addAll(spent);
    copy.seen.putAll(seen);
    copy.counter = counter;
    return copy;
  }

  /// All that is in this vault, so that two moments can be compared.
  String contents() {
    return new TreeMap<>(
            items.entrySet().stream()
                .collect(
                    Collectors.toMap(
                        each -> each.getKey().toString(),
                        each -> HexFormat.of().formatHex(each.getValue()))))
        + " %s %s %s %s %s %d".formatted(inputs, erased, locks, spent, seen, counter);
  }

  /// A damaged disk.
  void lose(Digest session, Item item) {
    items.remove(new Key(session, item));
  }

  void failBeforeWrite(int number) {
    writesLeft = number;
  }

  void restorePower() {
    writesLeft = Integer.MAX_VALUE;
  }

  private void write() {
    if (writesLeft == 0) {
      throw new PowerLost();
    }
    writesLeft--;
  }

  @Override
  public void keep(Digest session, Item item, byte[] content) {
    byte[] before = items.get(new Key(session, item));
    if (before != null) {
      if (!Arrays.equals(before, content)) {
        throw new IllegalStateException("another " + item + " already");
      }
      return;
    }
    if (item == Item.TOMBSTONE && hasInput(session)) {
      throw new IllegalStateException("a masked input; no tombstone");
    }
    write();
    items.put(new Key(session, item), content.clone());
  }

  @Override
  public Optional<byte[]> kept(Digest session, Item item) {
    return Optional.ofNullable(items.get(new Key(session, item))).map(byte[]::clone);
  }

  @Override
  public void keepInput(Digest session, MaskedUpdate input) {
    if (kept(session, Item.TOMBSTONE).isPresent() || hasInput(session)) {
      throw new IllegalStateException("a tombstone or an input already");
    }
    write();
    inputs.put(session, input);
  }

  @Override
  public boolean hasInput(Digest session) {
    return inputs.containsKey(session) || erased.contains(session);
  }

  @Override
  public void eraseSecrets(Digest session) {
    if (kept(session, Item.CERTIFICATE).isEmpty()) {
      throw new IllegalStateException("no certificate yet");
    }
    write();
    if (inputs.remove(session) != null) {
      erased.add(session);
    }
    items.remove(new Key(session, Item.SEED));
  }

  @Override
  public Optional<MaskedUpdate> keptInput(Digest session) {
    return Optional.ofNullable(inputs.get(session));
  }

  @Override
  public void lock(Digest terms, Digest session) {
    if (locks.containsKey(terms) && !Objects.equals(session, locks.get(terms))) {
      throw new IllegalStateException("locked to another session");
    }
    write();
    locks.put(terms, session);
  }

  @Override
  public void unlock(Digest terms, Digest session) {
    if (Objects.equals(session, locks.get(terms))) {
      write();
      locks.remove(terms);
    }
  }

  @Override
  public Map<Digest, Digest> locks() {
    return Map.copyOf(locks);
  }

  @Override
  public void markSpent(Digest terms, Digest session) {
    write();
    spent.add(terms);
  }

  @Override
  public boolean isSpent(Digest terms) {
    return spent.contains(terms);
  }

  @Override
  public long nextCounter() {
    write();
    return ++counter;
  }

  @Override
  public Map<SiteId, Long> lastSeenCounters() {
    return Map.copyOf(seen);
  }

  @Override
  public void sawCounters(Map<SiteId, Long> counters) {
    write();
    counters.forEach((site, number) -> seen.merge(site, number, Math::max));
  }

  @Override
  public void close() {}
}
