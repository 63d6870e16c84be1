package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.SiteId;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.SumAccumulator;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every set of survivors of up to eight sites: with the secrets that an unmasking reveals, the
/// masks are gone.
class MaskCancellationTest {

  @ParameterizedTest
  @ValueSource(ints = {4, 5, 6, 7, 8})
  void theMasksCancelForEverySetOfSurvivors(int n) {
    Federation federation = new Federation(n, 1);
    Roster roster = Roster.of(federation.server.descriptor(), federation.membership);
    Map<SiteId, byte[]> seeds = new HashMap<>();
    List<SignedMessage> advertisements = new ArrayList<>();
    Random random = new Random(n);
    for (SiteId site : federation.sites) {
      byte[] seed = new byte[32];
      random.nextBytes(seed);
      seeds.put(site, seed);
      advertisements.add(
          federation.signed(
              site,
              SignedMessage.Phase.ADVERTISE_KEYS,
              secrets(roster, seed)
                  .advertisement(roster.index(site), 1, PrivacyBook.EMPTY, federation.membership)
                  .encode()));
    }
    KeyList keys = KeyList.of(roster, advertisements);
    Map<SiteId, MaskedUpdate> masked = new HashMap<>();
    seeds.forEach((site, seed) ->
        masked.put(
            site,
            Objects.requireNonNull(federation.updates.get(site))
                .mask(secrets(roster, seed).masks(keys, keys.places(), site))));

    for (int chosen = 1; chosen < 1 << n; chosen++) {
      Map<SiteId, byte[]> selfMasks = new HashMap<>();
      Map<SiteId, byte[]> maskSecrets = new HashMap<>();
      SumAccumulator sum = new SumAccumulator(federation.plan.terms().vector(), 1);
      for (int i = 0; i < n; i++) {
        SiteId site = federation.sites.get(i);
        byte[] seed = Objects.requireNonNull(seeds.get(site));
        if ((chosen >> i & 1) == 1) {
          sum.add(Objects.requireNonNull(masked.get(site)));
          selfMasks.put(site, derived(roster, seed, Labels.SELF_MASK));
        } else {
          maskSecrets.put(site, derived(roster, seed, Labels.MASK_SECRET));
        }
      }
      sum.remove(new Revealed(selfMasks, maskSecrets).masks(keys));

      assertThat(sum.decode(selfMasks.size()).encode())
          .as("survivors " + Integer.toBinaryString(chosen))
          .isEqualTo(federation.plainSum(selfMasks.keySet()).encode());
    }
  }

  private static Secrets secrets(Roster roster, byte[] seed) {
    return new Secrets(roster.session(), seed);
  }

  private static byte[] derived(Roster roster, byte[] seed, String label) {
    return Derivation.key(
        seed, roster.session(), new Transcribed().label(label).digest(roster.session()));
  }
}
