package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.SiteId;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// The body of P5: this site's shares of the self-mask seeds of the survivors and of the mask keys
/// of the sites that dropped out; never both of one site. A share that it could not decrypt is left
/// out.
final class UnmaskAnswer {
  static final int MOST_BYTES = 1 << 20;

  private final SortedMap<SiteId, Bytes> seedShares;
  private final SortedMap<SiteId, Bytes> keyShares;

  UnmaskAnswer(SortedMap<SiteId, Bytes> seedShares, SortedMap<SiteId, Bytes> keyShares) {
    this.seedShares = new TreeMap<>(seedShares);
    this.keyShares = new TreeMap<>(keyShares);
  }

  SortedMap<SiteId, Bytes> seedShares() {
    return new TreeMap<>(seedShares);
  }

  SortedMap<SiteId, Bytes> keyShares() {
    return new TreeMap<>(keyShares);
  }

  byte[] encode() {
    return CborWriter.map()
        .maps("seedShares", seedShares.entrySet(), UnmaskAnswer::shareToCbor)
        .maps("keyShares", keyShares.entrySet(), UnmaskAnswer::shareToCbor)
        .toBytes();
  }

  static UnmaskAnswer of(SignedMessage message) {
    return Refusals.malformed(
        "UNMASK of " + message.sender(),
        () ->
            CborReader.read(
                message.body().toByteArray(),
                "Unmask",
                in ->
                    new UnmaskAnswer(
                        sharesFromCbor(in, "seedShares"), sharesFromCbor(in, "keyShares"))));
  }

  private static CborWriter shareToCbor(Map.Entry<SiteId, Bytes> share) {
    return CborWriter.map().text("dealer", share.getKey().value()).bytes("share", share.getValue());
  }

  private static SortedMap<SiteId, Bytes> sharesFromCbor(CborReader in, String field) {
    SortedMap<SiteId, Bytes> shares = new TreeMap<>();
    in.maps(
        field,
        each -> {
          SiteId dealer = new SiteId(each.text("dealer"));
          if (shares.put(dealer, each.bytes("share", Shamir.SHARE_BYTES)) != null) {
            throw new IllegalArgumentException("two shares of " + dealer);
          }
          return dealer;
        });
    return shares;
  }

  @Override
  public String toString() {
    return "UnmaskAnswer[redacted]";
  }
}
