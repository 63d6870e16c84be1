package dev.comity.session;

import dev.comity.plan.SiteId;
import dev.comity.update.Mask;
import dev.comity.update.MaskKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// The secrets that T shares gave back: self-mask seeds of survivors, mask keys of dropped sites.
///
/// ### Security guarantees
///
/// `toString` redacts. Never holds both secrets of one site.
final class Revealed {
  private final SortedMap<SiteId, byte[]> seeds;
  private final SortedMap<SiteId, byte[]> maskSecrets;

  Revealed(Map<SiteId, byte[]> seeds, Map<SiteId, byte[]> maskSecrets) {
    this.seeds = new TreeMap<>(seeds);
    this.maskSecrets = new TreeMap<>(maskSecrets);
  }

  /// The masks that do not cancel in the survivors' sum, as the survivors applied them.
  List<Mask> masks(KeyList keys) {
    List<Mask> masks = new ArrayList<>();
    seeds.values().forEach(seed -> masks.add(new Mask(MaskKey.of(seed), true)));
    maskSecrets.forEach((dropped, secret) ->
        masks.addAll(
            Arrays.stream(keys.receivers(dropped))
                .parallel()
                .mapToObj(keys.roster()::site)
                .filter(seeds::containsKey)
                .map(survivor -> pairMask(keys, survivor, dropped, secret))
                .toList()));
    return List.copyOf(masks);
  }

  private static Mask pairMask(KeyList keys, SiteId survivor, SiteId dropped, byte[] secret) {
    byte[] theirs = keys.maskKey(survivor).toByteArray();
    return Secrets.pairMask(keys, survivor, dropped, X25519.agree(secret, theirs));
  }

  @Override
  public String toString() {
    return "Revealed[redacted]";
  }
}
