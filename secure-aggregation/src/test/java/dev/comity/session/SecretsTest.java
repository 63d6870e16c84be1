package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.update.Mask;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/// What a site derives, deals and masks with, held against the formulas, written out a second time.
class SecretsTest {
  private static final int SITES = 5;
  private static final int THRESHOLD = 4;

  private final Federation federation = new Federation(SITES, 1);
  private final List<SiteId> sites = federation.sites;
  private final Roster roster = Roster.of(federation.server.descriptor(), federation.membership);
  private final Map<SiteId, byte[]> seeds = new HashMap<>();
  private final KeyList keys = keys();

  private KeyList keys() {
    List<SignedMessage> messages = new ArrayList<>();
    for (int i = 0; i < SITES; i++) {
      byte[] seed = new byte[32];
      Arrays.fill(seed, (byte) (i + 1));
      seeds.put(sites.get(i), seed);
      messages.add(
          federation.signed(
              sites.get(i),
              SignedMessage.Phase.ADVERTISE_KEYS,
              secrets(sites.get(i))
                  .advertisement(i, 1, PrivacyBook.EMPTY, federation.membership)
                  .encode()));
    }
    return KeyList.of(roster, messages);
  }

  private Secrets secrets(SiteId site) {
    return new Secrets(roster.session(), Objects.requireNonNull(seeds.get(site)));
  }

  private byte[] derived(SiteId site, String label) {
    return Derivation.expand(
        Objects.requireNonNull(seeds.get(site)),
        roster.session().bytes(),
        bytes(label, roster.session()),
        32);
  }

  /// Labels end in a zero, numbers are eight bytes, big-endian.
  private static byte[] bytes(Object... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Object part : parts) {
      if (part instanceof String label) {
        out.writeBytes((label + "\0").getBytes(StandardCharsets.UTF_8));
      } else if (part instanceof Integer number) {
        out.writeBytes(ByteBuffer.allocate(8).putLong(number).array());
      } else if (part instanceof Digest digest) {
        out.writeBytes(digest.bytes());
      } else {
        throw new AssertionError(part);
      }
    }
    return out.toByteArray();
  }

  private Map<SiteId, byte[]> sharesOf(SiteId dealer, boolean ofSeed) {
    Map<SiteId, byte[]> shares = new HashMap<>();
    Secrets.Dealt dealt = secrets(dealer).deal(keys, dealer);
    for (Delivery delivery : dealt.deliveries()) {
      SiteId receiver = delivery.receiver();
      Secrets.SharePair pair =
          (receiver.equals(dealer)
                  ? dealt.own()
                  : secrets(receiver).open(keys, dealer, receiver, delivery))
              .orElseThrow();
      shares.put(receiver, (ofSeed ? pair.seedShare() : pair.keyShare()).toByteArray());
    }
    return shares;
  }

  private byte[] reconstructed(Map<SiteId, byte[]> shares, List<SiteId> from) {
    int[] xs = from.stream().mapToInt(each -> roster.index(each) + 1).toArray();
    return Shamir.reconstruct(
        xs,
        from.stream().map(each -> Objects.requireNonNull(shares.get(each))).toArray(byte[][]::new));
  }

  @Test
  void everyThresholdOfTheSharesGivesTheSecretAndOneFewerDoesNot() {
    SiteId dealer = sites.get(1);
    for (boolean ofSeed : new boolean[] {true, false}) {
      byte[] secret = derived(dealer, ofSeed ? Labels.SELF_MASK : Labels.MASK_SECRET);
      Map<SiteId, byte[]> shares = sharesOf(dealer, ofSeed);
      for (int left = 0; left < SITES; left++) {
        List<SiteId> enough = new ArrayList<>(sites);
        enough.remove(left);
        assertThat(reconstructed(shares, enough)).isEqualTo(secret);

        List<SiteId> tooFew = enough.subList(0, THRESHOLD - 1);
        assertThat(revealedBy(shares, tooFew)).isNotEqualTo(Optional.of(Bytes.of(secret)));
      }
      Set<Bytes> different = new HashSet<>();
      shares.values().forEach(share -> different.add(Bytes.of(share)));
      assertThat(different).hasSize(SITES);
    }
  }

  private Optional<Bytes> revealedBy(Map<SiteId, byte[]> shares, List<SiteId> from) {
    try {
      return Optional.of(Bytes.of(reconstructed(shares, from)));
    } catch (IllegalArgumentException _) {
      return Optional.empty(); // the shares of no secret
    }
  }

  @Test
  void aShareIsEncryptedUnderTheKeyAndTheDataOfTheSpecification() throws GeneralSecurityException {
    int dealer = 3;
    int receiver = 1;
    Delivery delivery =
        secrets(sites.get(dealer)).deal(keys, sites.get(dealer)).deliveries().get(receiver);
    byte[] agreed =
        X25519.agree(
            derived(sites.get(receiver), Labels.CHANNEL_SECRET),
            keys.channelKey(sites.get(dealer)).toByteArray());
    byte[] key =
        Derivation.expand(
            agreed,
            roster.session().bytes(),
            bytes(Labels.CHANNEL, dealer, receiver, keys.h1()),
            32);
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(
        Cipher.DECRYPT_MODE,
        new SecretKeySpec(key, "AES"),
        new GCMParameterSpec(128, new byte[12]));
    cipher.updateAAD(bytes(roster.session(), keys.h1(), dealer, receiver));

    byte[] plaintext = cipher.doFinal(delivery.ciphertext().toByteArray());

    assertThat(Arrays.copyOf(plaintext, Shamir.SHARE_BYTES))
        .isEqualTo(sharesOf(sites.get(dealer), true).get(sites.get(receiver)));
    assertThat(Arrays.copyOfRange(plaintext, Shamir.SHARE_BYTES, 2 * Shamir.SHARE_BYTES))
        .isEqualTo(sharesOf(sites.get(dealer), false).get(sites.get(receiver)));
  }

  @Test
  void aSiteMasksOnceForItselfAndOnceForEachOtherSiteThatDealtShares() {
    for (int missing = 0; missing < SITES; missing++) {
      int left = missing;
      PlaceSet dealers =
          PlaceSet.of(SITES, IntStream.range(0, SITES).filter(place -> place != left));
      for (SiteId site : sites) {
        List<Mask> masks = secrets(site).masks(keys, dealers, site);

        assertThat(masks).hasSize(sites.indexOf(site) == missing ? SITES : SITES - 1);
      }
    }
  }

  @Test
  void neitherSecretsNorSharesNorAnswersAreShown() {
    Secrets secrets = secrets(sites.getFirst());
    Secrets.SharePair own = secrets.deal(keys, sites.getFirst()).own().orElseThrow();

    assertThat(secrets).hasToString("Secrets[redacted]");
    assertThat(own).hasToString("SharePair[redacted]");
    federation.runUntil(ServerSession.State.UNMASKING);
    assertThat(((Unmasking) federation.server).answers()).hasToString("Answers[redacted]");
    assertThat(UnmaskAnswer.of(federation.answer(sites.getFirst(), SignedView.Kind.CERTIFICATE)))
        .hasToString("UnmaskAnswer[redacted]");
  }

  @Test
  void onARingASiteKnowsTheKeysAndSlotsOfItsNeighboursAlone() {
    Federation ring = new Federation(12, 1, new GraphRule(7, 120, 20, 200));
    SiteId site = ring.sites.getFirst();
    ring.runUntil(ServerSession.State.SHARING_KEYS);
    KeyList all = ((SharingKeys) ring.server).keys();
    ring.answer(site, SignedView.Kind.KEYS);
    byte[] shown =
        ring.vault(site).kept(ring.session(site).id(), SiteVault.Item.KEYS_SHOWN).orElseThrow();
    Peers peers =
        CborReader.read(shown, "keys", in -> ShownKeys.read(all.roster(), site, in)).peers();

    assertThat(peers.mostMissing()).isEqualTo(all.mostMissing()).isPositive();
    assertThat(peers.shareThreshold()).isEqualTo(all.shareThreshold());
    assertThat(peers.receivers(site)).isEqualTo(all.receivers(site));
    for (SiteId other : ring.sites) {
      boolean neighbour =
          Arrays.stream(all.receivers(site)).anyMatch(i -> i == all.roster().index(other));
      if (neighbour) {
        assertThat(peers.maskKey(other)).isEqualTo(all.maskKey(other));
        assertThat(peers.channelKey(other)).isEqualTo(all.channelKey(other));
        assertThat(peers.slot(site, other)).isEqualTo(all.slot(site, other));
        assertThat(peers.slot(other, site)).isEqualTo(all.slot(other, site));
      } else if (!other.equals(site)) {
        assertThatThrownBy(() -> peers.maskKey(other)).isInstanceOf(SessionRefusal.class);
        assertThatThrownBy(() -> peers.slot(site, other)).isInstanceOf(SessionRefusal.class);
        assertThatThrownBy(() -> all.slot(site, other)).isInstanceOf(SessionRefusal.class);
      }
      if (!other.equals(site)) {
        assertThatThrownBy(() -> peers.receivers(other))
            .isInstanceOf(IllegalArgumentException.class);
        SiteId third = ring.sites.get(other.equals(ring.sites.get(5)) ? 6 : 5);
        assertThatThrownBy(() -> peers.slot(other, third))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }
}
