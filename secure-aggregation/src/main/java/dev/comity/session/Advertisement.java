package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// The body of P1: two public keys as long as the suite's agreement has them, the commitment to the
/// self-mask seed, this site's share of the graph's randomness, its session counter, the head of
/// its privacy ledger, and version and digest of the newest membership that it has seen.
record Advertisement(
    Bytes maskKey,
    Bytes channelKey,
    Digest seedCommitment,
    Bytes graphRandomness,
    long counter,
    Digest ledgerHead,
    long membershipVersion,
    Digest membership) {
  /// What is beside the keys.
  private static final int MOST_OTHER_BYTES = 448;

  static int mostBytes(Suite.Agreement agreement) {
    return MOST_OTHER_BYTES + 2 * agreement.publicKeyBytes();
  }

  byte[] encode() {
    return CborWriter.map()
        .bytes("maskKey", maskKey)
        .bytes("channelKey", channelKey)
        .bytes("seedCommitment", seedCommitment.bytes())
        .bytes("graphRandomness", graphRandomness)
        .integer("counter", counter)
        .bytes("ledgerHead", ledgerHead.bytes())
        .integer("membershipVersion", membershipVersion)
        .bytes("membership", membership.bytes())
        .toBytes();
  }

  /// Fails with `SessionRefusal`, also when a key has another length than the agreement's, is not
  /// canonical or of small order.
  static Advertisement of(SignedMessage message, Suite.Agreement agreement) {
    String what = message.phase() + " of " + message.sender();
    Advertisement advertisement =
        Refusals.malformed(
            what,
            () ->
                CborReader.read(
                    message.body().toByteArray(), "Advertisement", in -> fromCbor(in, agreement)));
    requireSound(agreement, advertisement.maskKey, "mask key in " + what);
    requireSound(agreement, advertisement.channelKey, "channel key in " + what);
    if (advertisement.maskKey.equals(advertisement.channelKey)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_KEY, what + ": mask key and channel key are the same");
    }
    return advertisement;
  }

  /// As `of` of each. Refuses a key that serves twice: canonical keys are equal exactly when their
  /// bytes are.
  static SortedMap<SiteId, Advertisement> ofAll(
      Collection<SignedMessage> messages, Suite.Agreement agreement) {
    SortedMap<SiteId, Advertisement> advertisements = new TreeMap<>();
    Map<Bytes, SiteId> owners = new HashMap<>();
    for (SignedMessage message : messages) {
      Advertisement advertisement = of(message, agreement);
      for (Bytes key : List.of(advertisement.maskKey, advertisement.channelKey)) {
        SiteId other = owners.putIfAbsent(key, message.sender());
        if (other != null) {
          throw new SessionRefusal(
              SessionRefusal.Reason.BAD_KEY,
              "one %s key serves twice: of %s and of %s"
                  .formatted(agreement, other, message.sender()));
        }
      }
      advertisements.put(message.sender(), advertisement);
    }
    return advertisements;
  }

  private static void requireSound(Suite.Agreement agreement, Bytes key, String what) {
    switch (agreement) {
      case X25519 -> X25519.requireCanonical(key.toByteArray(), what);
    }
  }

  private static Advertisement fromCbor(CborReader in, Suite.Agreement agreement) {
    long counter = in.integer("counter");
    if (counter < 1) {
      throw new IllegalArgumentException("counter " + counter + "; must be >= 1");
    }
    long membershipVersion = in.integer("membershipVersion");
    if (membershipVersion < 1) {
      throw new IllegalArgumentException(
          "membershipVersion " + membershipVersion + "; must be >= 1");
    }
    return new Advertisement(
        in.bytes("maskKey", agreement.publicKeyBytes()),
        in.bytes("channelKey", agreement.publicKeyBytes()),
        SessionDescriptor.digest(in, "seedCommitment"),
        in.bytes("graphRandomness", 32),
        counter,
        SessionDescriptor.digest(in, "ledgerHead"),
        membershipVersion,
        SessionDescriptor.digest(in, "membership"));
  }
}
