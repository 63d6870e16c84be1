package dev.comity.agent.participation;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import java.time.Duration;
import java.time.Instant;

/// A plan that the aggregator offered, with the version that it starts from: the exact documents
/// and what they say.
///
/// @param hardDeadline of the round, by this site's clock
record Offer(
    Bytes planDocument,
    RoundPlan plan,
    Bytes versionDocument,
    ModelVersion version,
    Instant hardDeadline) {
  private static final int MOST_BYTES = 64 << 20;
  private static final Instant UNKNOWN = Instant.parse("9999-01-01T00:00:00Z");
  private static final int RESERVED = 10;
  private static final Duration LONGEST_RESERVED = Duration.ofMinutes(30);

  /// @throws dev.comity.codec.MalformedException when one of them is not what it should be
  static Offer decode(Bytes plan, Bytes version, Instant hardDeadline) {
    return new Offer(
        plan,
        PlanCodec.decodePlan(plan.toByteArray()),
        version,
        PlanCodec.decodeModelVersion(version.toByteArray()),
        hardDeadline);
  }

  /// When partial work ends: a tenth of the round's time before its hard limit, half an hour at
  /// most. The rest is for the session.
  Instant trainUntil() {
    Duration tenth = plan.hardLimit().dividedBy(RESERVED);
    return hardDeadline.minus(tenth.compareTo(LONGEST_RESERVED) < 0 ? tenth : LONGEST_RESERVED);
  }

  /// The digest of the plan's bytes.
  Digest digest() {
    return Digest.of(planDocument.toByteArray());
  }

  /// The digest of the terms of the update that it asks for.
  Digest terms() {
    return plan.terms().digest();
  }

  byte[] encode() {
    return CborWriter.map()
        .bytes("plan", planDocument)
        .bytes("version", versionDocument)
        .integer("hardDeadlineMs", hardDeadline.toEpochMilli())
        .toBytes();
  }

  static Offer decode(byte[] stored) {
    return CborReader.read(
        stored,
        "StoredOffer",
        in ->
            decode(
                in.bytes("plan", 1, MOST_BYTES),
                in.bytes("version", 1, MOST_BYTES),
                in.has("hardDeadlineMs")
                    ? Instant.ofEpochMilli(in.integer("hardDeadlineMs"))
                    : UNKNOWN));
  }
}
