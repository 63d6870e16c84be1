package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// The body of P1: two X25519 public keys, the commitment to the self-mask seed, this site's share
/// of the graph's randomness, its session counter, the head of its privacy ledger, and version and
/// digest of the newest membership that it has seen.
record Advertisement(
    Bytes maskKey,
    Bytes channelKey,
    Digest seedCommitment,
    Bytes graphRandomness,
    long counter,
    Digest ledgerHead,
    long membershipVersion,
    Digest membership) {
  static final int MOST_BYTES = 512;

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

  /// Fails with `SessionRefusal`, also when a key is not canonical or of small order.
  static Advertisement of(SignedMessage message) {
    String what = message.phase() + " of " + message.sender();
    Advertisement advertisement =
        Refusals.malformed(
            what,
            () ->
                CborReader.read(
                    message.body().toByteArray(), "Advertisement", Advertisement::fromCbor));
    X25519.requireCanonical(advertisement.maskKey.toByteArray(), "mask key in " + what);
    X25519.requireCanonical(advertisement.channelKey.toByteArray(), "channel key in " + what);
    if (advertisement.maskKey.equals(advertisement.channelKey)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_KEY, what + ": mask key and channel key are the same");
    }
    return advertisement;
  }

  /// As `of` of each. Refuses a key that serves twice: canonical keys are equal exactly when their
  /// bytes are.
  static SortedMap<SiteId, Advertisement> ofAll(Collection<SignedMessage> messages) {
    SortedMap<SiteId, Advertisement> advertisements = new TreeMap<>();
    Map<Bytes, SiteId> owners = new HashMap<>();
    for (SignedMessage message : messages) {
      Advertisement advertisement = of(message);
      for (Bytes key : List.of(advertisement.maskKey, advertisement.channelKey)) {
        SiteId other = owners.putIfAbsent(key, message.sender());
        if (other != null) {
          throw new SessionRefusal(
              SessionRefusal.Reason.BAD_KEY,
              "one X25519 key serves twice: of %s and of %s".formatted(other, message.sender()));
        }
      }
      advertisements.put(message.sender(), advertisement);
    }
    return advertisements;
  }

  private static Advertisement fromCbor(CborReader in) {
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
        in.bytes("maskKey", X25519.KEY_BYTES),
        in.bytes("channelKey", X25519.KEY_BYTES),
        SessionDescriptor.digest(in, "seedCommitment"),
        in.bytes("graphRandomness", 32),
        counter,
        SessionDescriptor.digest(in, "ledgerHead"),
        membershipVersion,
        SessionDescriptor.digest(in, "membership"));
  }
}
