package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.update.Mask;
import dev.comity.update.MaskKey;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// Every secret of one site in one session, all derived from the session's 32 fresh bytes.
///
/// ### Security guarantees
///
/// `toString` redacts, nothing gives the secrets away but the masks, the shares and the public
/// keys. Each derived key serves one purpose in one session: the salt is the session and what
/// follows P1 also depends on H1.
final class Secrets {
  private static final int GCM_TAG_BITS = 128;
  private static final byte[] GCM_NONCE = new byte[12]; // one message a key

  private final Digest session;
  private final byte[] seed;
  private final byte[] maskSecret;
  private final byte[] channelSecret;
  private final byte[] selfMask;

  /// `seed`: 32 bytes, copied.
  Secrets(Digest session, byte[] seed) {
    this.session = session;
    this.seed = seed.clone();
    this.maskSecret = derive(Labels.MASK_SECRET);
    this.channelSecret = derive(Labels.CHANNEL_SECRET);
    this.selfMask = derive(Labels.SELF_MASK);
  }

  private byte[] derive(String label) {
    return Derivation.key(seed, session, new Transcribed().label(label).digest(session));
  }

  Advertisement advertisement(
      int index, long counter, Digest ledgerHead, MembershipEpoch membership) {
    return advertisement(index, counter, ledgerHead, membership.version(), membership.digest());
  }

  /// As above, of a membership whose digest is known.
  Advertisement advertisement(
      int index, long counter, Digest ledgerHead, long membershipVersion, Digest membership) {
    return new Advertisement(
        Bytes.of(X25519.publicKey(maskSecret)),
        Bytes.of(X25519.publicKey(channelSecret)),
        seedCommitment(session, index, selfMask),
        Bytes.of(derive(Labels.GRAPH_RANDOMNESS)),
        counter,
        ledgerHead,
        membershipVersion,
        membership);
  }

  /// SHA-256(label ‖ sessionId ‖ i ‖ b).
  static Digest seedCommitment(Digest session, int index, byte[] selfMask) {
    return Digest.of(
        new Transcribed()
            .label(Labels.SEED_COMMITMENT)
            .digest(session)
            .number(index)
            .bytes(selfMask)
            .toByteArray());
  }

  /// The shares that this site deals: on the complete graph to each site of U1, itself included, on
  /// a ring to its neighbours.
  Dealt deal(Peers peers, SiteId self) {
    Roster roster = peers.roster();
    int[] receivers = peers.receivers(self);
    int[] xs = Arrays.stream(receivers).map(place -> place + 1).toArray();
    Shamir.Coefficients coefficients = coefficients(peers.h1());
    int threshold = peers.shareThreshold();
    byte[][] seedShares = Shamir.split(selfMask, threshold, xs, coefficients);
    byte[][] keyShares = Shamir.split(maskSecret, threshold, xs, coefficients);
    int dealer = roster.index(self);
    List<Delivery> deliveries = new ArrayList<>();
    Optional<SharePair> own = Optional.empty();
    for (int i = 0; i < xs.length; i++) {
      int receiver = receivers[i];
      SharePair shares = new SharePair(seedShares[i], keyShares[i]);
      byte[] ciphertext;
      if (receiver == dealer) {
        own = Optional.of(shares);
        ciphertext = new byte[0];
      } else {
        byte[] key = channelKey(peers, roster.site(receiver), dealer, receiver);
        ciphertext = encrypt(key, aad(peers, dealer, receiver), shares.plaintext());
      }
      deliveries.add(
          new Delivery(
              roster.site(receiver),
              Bytes.of(ciphertext),
              Delivery.commitment(Labels.SEED_SHARE, session, dealer, receiver, seedShares[i]),
              Delivery.commitment(Labels.KEY_SHARE, session, dealer, receiver, keyShares[i])));
    }
    return new Dealt(deliveries, own);
  }

  /// What a site deals, and the shares that it keeps itself.
  record Dealt(List<Delivery> deliveries, Optional<SharePair> own) {
    Dealt {
      deliveries = List.copyOf(deliveries);
    }
  }

  /// The shares of both secrets of one dealer.
  static final class SharePair {
    private final byte[] seedShare;
    private final byte[] keyShare;

    private SharePair(byte[] seedShare, byte[] keyShare) {
      this.seedShare = seedShare;
      this.keyShare = keyShare;
    }

    Bytes seedShare() {
      return Bytes.of(seedShare);
    }

    Bytes keyShare() {
      return Bytes.of(keyShare);
    }

    private byte[] plaintext() {
      return ByteBuffer.allocate(2 * Shamir.SHARE_BYTES).put(seedShare).put(keyShare).array();
    }

    @Override
    public String toString() {
      return "SharePair[redacted]";
    }
  }

  /// The shares inside `delivery`; empty when it does not decrypt to two shares with the hashes it
  /// carries.
  Optional<SharePair> open(Peers keys, SiteId dealer, SiteId self, Delivery delivery) {
    int dealerIndex = keys.roster().index(dealer);
    int selfIndex = keys.roster().index(self);
    byte[] key = channelKey(keys, dealer, dealerIndex, selfIndex);
    Optional<byte[]> plaintext =
        decrypt(key, aad(keys, dealerIndex, selfIndex), delivery.ciphertext().toByteArray());
    if (plaintext.isEmpty() || plaintext.get().length != 2 * Shamir.SHARE_BYTES) {
      return Optional.empty();
    }
    byte[] seedShare = Arrays.copyOf(plaintext.get(), Shamir.SHARE_BYTES);
    byte[] keyShare =
        Arrays.copyOfRange(plaintext.get(), Shamir.SHARE_BYTES, 2 * Shamir.SHARE_BYTES);
    boolean asCommitted =
        Shamir.wellFormed(seedShare)
            && Shamir.wellFormed(keyShare)
            && Delivery.commitment(Labels.SEED_SHARE, session, dealerIndex, selfIndex, seedShare)
                .equals(delivery.seedShare())
            && Delivery.commitment(Labels.KEY_SHARE, session, dealerIndex, selfIndex, keyShare)
                .equals(delivery.keyShare());
    return asCommitted ? Optional.of(new SharePair(seedShare, keyShare)) : Optional.empty();
  }

  /// The self mask and one mask for each partner in U2, which are `dealers`.
  List<Mask> masks(Peers peers, PlaceSet dealers, SiteId self) {
    List<Mask> masks = new ArrayList<>();
    Suite.Generator generator = peers.roster().generator();
    masks.add(new Mask(MaskKey.of(generator, selfMask), true));
    for (int place : peers.receivers(self)) {
      SiteId other = peers.roster().site(place);
      if (dealers.holds(place) && !other.equals(self)) {
        byte[] agreed = X25519.agree(maskSecret, peers.maskKey(other).toByteArray());
        masks.add(pairMask(peers, self, other, agreed));
      }
    }
    return List.copyOf(masks);
  }

  /// The mask between `site` and `other` as `site` applies it: added where its index is the lower.
  static Mask pairMask(Peers keys, SiteId site, SiteId other, byte[] agreed) {
    int mine = keys.roster().index(site);
    int theirs = keys.roster().index(other);
    byte[] key =
        Derivation.key(
            agreed,
            keys.roster().session(),
            new Transcribed()
                .label(Labels.PAIR_MASK)
                .number(Math.min(mine, theirs))
                .number(Math.max(mine, theirs))
                .digest(keys.h1()));
    Suite.Generator generator = keys.roster().generator();
    return new Mask(MaskKey.of(generator, key), mine < theirs);
  }

  private byte[] channelKey(Peers keys, SiteId peer, int sender, int receiver) {
    byte[] agreed = X25519.agree(channelSecret, keys.channelKey(peer).toByteArray());
    return Derivation.key(
        agreed,
        session,
        new Transcribed().label(Labels.CHANNEL).number(sender).number(receiver).digest(keys.h1()));
  }

  private byte[] aad(Peers keys, int sender, int receiver) {
    return new Transcribed()
        .digest(session)
        .digest(keys.h1())
        .number(sender)
        .number(receiver)
        .toByteArray();
  }

  private static byte[] encrypt(byte[] key, byte[] aad, byte[] plaintext) {
    try {
      Cipher cipher = gcm(Cipher.ENCRYPT_MODE, key, aad);
      return cipher.doFinal(plaintext);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime lacks AES-GCM", e);
    }
  }

  private static Optional<byte[]> decrypt(byte[] key, byte[] aad, byte[] ciphertext) {
    try {
      return Optional.of(gcm(Cipher.DECRYPT_MODE, key, aad).doFinal(ciphertext));
    } catch (AEADBadTagException _) {
      return Optional
          .empty(); // the dealer's or the aggregator's fault; who lacks shares counts them
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime lacks AES-GCM", e);
    }
  }

  private static Cipher gcm(int mode, byte[] key, byte[] aad) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(GCM_TAG_BITS, GCM_NONCE));
    cipher.updateAAD(aad);
    return cipher;
  }

  /// Uniform in [0, p) by rejection from an AES-256-CTR stream: 61 bits, p itself refused.
  private Shamir.Coefficients coefficients(Digest h1) {
    byte[] key =
        Derivation.key(
            seed, session, new Transcribed().label(Labels.COEFFICIENTS).digest(session).digest(h1));
    try {
      Cipher stream = Cipher.getInstance("AES/CTR/NoPadding");
      stream.init(
          Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(new byte[16]));
      byte[] zeros = new byte[4096];
      ByteBuffer bytes = ByteBuffer.allocate(zeros.length).limit(0);
      return () -> {
        while (true) {
          if (!bytes.hasRemaining()) {
            bytes.clear().put(stream.update(zeros)).flip();
          }
          long candidate = bytes.getLong() & Shamir.P;
          if (candidate != Shamir.P) {
            return candidate;
          }
        }
      };
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime lacks AES-CTR", e);
    }
  }

  @Override
  public String toString() {
    return "Secrets[redacted]";
  }
}
