package dev.comity.transparency;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import java.time.Instant;

/// The state of the log at a moment: `root` over its first `size` leaves. `federationEpoch` ≥ 1
/// grows when the aggregator's database was restored from a backup. `at` is whole milliseconds, by
/// the aggregator's clock.
public record TreeHead(
    FederationId federation, long federationEpoch, long size, Digest root, Instant at) {
  private static final int FORMAT = 1;

  public TreeHead {
    if (federationEpoch < 1 || size < 0) {
      throw new IllegalArgumentException(
          "audit head of federation epoch %d and size %d: must be >= 1 and >= 0"
              .formatted(federationEpoch, size));
    }
    if (size == 0 && !root.equals(TreeHash.EMPTY)) {
      throw new IllegalArgumentException(
          "audit head of size 0 with root %s: must be the root of the empty log"
              .formatted(root.abbreviated()));
    }
    if (at.getNano() % 1_000_000 != 0) {
      throw new IllegalArgumentException("at %s: must be whole milliseconds".formatted(at));
    }
  }

  byte[] encode() {
    return CborWriter.map()
        .integer("format", FORMAT)
        .text("federation", federation.value())
        .integer("federationEpoch", federationEpoch)
        .integer("size", size)
        .bytes("root", root.bytes())
        .integer("atMs", at.toEpochMilli())
        .toBytes();
  }

  /// The head in a document whose signature was verified before; `SignedHead.verify` is for any
  /// other. `dev.comity.codec.MalformedException` when the bytes are no head.
  public static TreeHead decode(byte[] bytes) {
    return CborReader.read(bytes, "AuditHead", TreeHead::read);
  }

  private static TreeHead read(CborReader in) {
    long format = in.integer("format");
    if (format != FORMAT) {
      throw new IllegalArgumentException(
          "format %d; this software reads format %d".formatted(format, FORMAT));
    }
    return new TreeHead(
        new FederationId(in.text("federation")),
        in.integer("federationEpoch"),
        in.integer("size"),
        Digest.ofValue(in.bytes("root", Digest.SIZE)),
        Instant.ofEpochMilli(in.integer("atMs")));
  }
}
