package dev.comity.simulation;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.SiteVault;
import dev.comity.update.MaskedUpdate;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// A vault of one session in memory, whose site can be taken back to the end of P3: the same site
/// then goes through P4 and P5 with other survivors. Nothing here survives a power cut.
final class ScaleVault implements SiteVault {
  private static final List<Item> AFTER_P3 =
      List.of(Item.COMMIT, Item.ABORT, Item.RELEASE, Item.ANSWER, Item.CERTIFICATE);

  private final Map<Item, byte[]> items = new EnumMap<>(Item.class);
  private final Map<Digest, Digest> locks = new HashMap<>();
  private final Map<SiteId, Long> counters = new HashMap<>();
  private @Nullable MaskedUpdate input;
  private boolean masked;
  private boolean spent;
  private long counter;

  /// The vector is on its way, and is not kept: n of them would not fit.
  void forgetInput() {
    input = null;
  }

  /// Back to the end of P3.
  void rewind() {
    items.keySet().removeAll(AFTER_P3);
    spent = false;
  }

  @Override
  public void keep(Digest session, Item item, byte[] content) {
    items.putIfAbsent(item, content.clone());
  }

  @Override
  public Optional<byte[]> kept(Digest session, Item item) {
    return Optional.ofNullable(items.get(item)).map(byte[]::clone);
  }

  @Override
  public void keepInput(Digest session, MaskedUpdate masking) {
    input = masking;
    masked = true;
  }

  @Override
  public boolean hasInput(Digest session) {
    return masked;
  }

  @Override
  public Optional<MaskedUpdate> keptInput(Digest session) {
    return Optional.ofNullable(input);
  }

  @Override
  public void eraseSecrets(Digest session) {
    // Kept for the next drop-out rate.
  }

  @Override
  public void lock(Digest terms, Digest session) {
    locks.put(terms, session);
  }

  @Override
  public void unlock(Digest terms, Digest session) {
    locks.remove(terms, session);
  }

  @Override
  public Map<Digest, Digest> locks() {
    return Map.copyOf(locks);
  }

  @Override
  public void markSpent(Digest terms, Digest session) {
    spent = true;
  }

  @Override
  public boolean isSpent(Digest terms) {
    return spent;
  }

  @Override
  public long nextCounter() {
    return ++counter;
  }

  @Override
  public Map<SiteId, Long> lastSeenCounters() {
    return Map.copyOf(counters);
  }

  @Override
  public void sawCounters(Map<SiteId, Long> seen) {
    counters.putAll(seen);
  }

  @Override
  public void close() {
    // Nothing is open.
  }
}
