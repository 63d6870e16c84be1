package dev.comity.ledger;

import dev.comity.accounting.PrivacyEvent;
import dev.comity.accounting.PrivacyEventCodec;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import java.time.Instant;
import java.util.Optional;

/// One entry of a privacy ledger. `number` counts from 1; `previous` is the digest of the entry
/// before, so that the last digest stands for all of them; `at` is in whole milliseconds and never
/// before the entry before.
public record LedgerEntry(long number, Digest previous, Instant at, Action action) {

  /// What was entered, about the update with the terms of this digest.
  public sealed interface Action {
    Digest terms();

    /// Before training: `event` is what the update costs once it is released; empty when its plan
    /// asks for no differential privacy.
    record Reserve(
        Digest terms, RunId run, String study, int baseVersion, Optional<PrivacyEvent> event)
        implements Action {}

    /// Before the first byte of a masked vector exists in `session`.
    record Charge(Digest terms, Digest session) implements Action {}

    /// The certificate with digest `proof` shows that what was sent in `session` is in no sum.
    record Refund(Digest terms, Digest session, Digest proof) implements Action {}

    /// Nothing was sent and the round is over.
    record Release(Digest terms) implements Action {}
  }

  public LedgerEntry {
    if (number < 1) {
      throw new IllegalArgumentException("number %d: must be >= 1".formatted(number));
    }
    at = Instant.ofEpochMilli(at.toEpochMilli());
  }

  public byte[] encode() {
    CborWriter out =
        CborWriter.map()
            .integer("number", number)
            .bytes("previous", previous.bytes())
            .integer("atMillis", at.toEpochMilli())
            .bytes("terms", action.terms().bytes());
    return switch (action) {
      case Action.Reserve(_, RunId run, String study, int baseVersion, var event) ->
          out.text("action", "reserve")
              .bytes("run", run.bytes())
              .text("study", study)
              .integer("baseVersion", baseVersion)
              .map("event", event.map(PrivacyEventCodec::writer))
              .toBytes();
      case Action.Charge(_, Digest session) ->
          out.text("action", "charge").bytes("session", session.bytes()).toBytes();
      case Action.Refund(_, Digest session, Digest proof) ->
          out.text("action", "refund")
              .bytes("session", session.bytes())
              .bytes("proof", proof.bytes())
              .toBytes();
      case Action.Release _ -> out.text("action", "release").toBytes();
    };
  }

  /// @throws dev.comity.codec.MalformedException when the bytes are no entry
  public static LedgerEntry decode(byte[] bytes) {
    return CborReader.read(
        bytes,
        "LedgerEntry",
        in ->
            new LedgerEntry(
                in.integer("number"),
                digest(in, "previous"),
                Instant.ofEpochMilli(in.integer("atMillis")),
                action(in)));
  }

  private static Action action(CborReader in) {
    Digest terms = digest(in, "terms");
    return switch (in.text("action")) {
      case "reserve" ->
          new Action.Reserve(
              terms,
              RunId.ofBytes(in.bytes("run", 16)),
              in.text("study"),
              in.int32("baseVersion"),
              in.optionalMap("event", PrivacyEventCodec::read));
      case "charge" -> new Action.Charge(terms, digest(in, "session"));
      case "refund" -> new Action.Refund(terms, digest(in, "session"), digest(in, "proof"));
      case "release" -> new Action.Release(terms);
      case String other ->
          throw new IllegalArgumentException(
              "action \"%s\"; must be reserve, charge, refund or release".formatted(other));
    };
  }

  private static Digest digest(CborReader in, String field) {
    return Digest.ofValue(in.bytes(field, Digest.SIZE));
  }

  /// What the next entry names as `previous`.
  public Digest digest() {
    return Digest.of(encode());
  }
}
