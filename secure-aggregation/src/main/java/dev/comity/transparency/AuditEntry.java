package dev.comity.transparency;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import java.util.Locale;
import java.util.Optional;

/// One event of the federation as a leaf of the log holds it: digests, never content. The leaf hash
/// is over `encode()`.
public sealed interface AuditEntry {

  /// How a session ended.
  enum SessionOutcome {
    /// Certified and summed.
    SUMMED,
    /// Certified, but a dealer made the sum unknowable.
    BURNED,
    /// Ended without a result, with a certificate or before any masked input.
    ABORTED
  }

  /// How a run ended.
  enum RunOutcome {
    COMPLETED,
    ABANDONED,
    CANCELLED
  }

  /// The consortium's list of this version was taken; `document` is the digest of its bytes.
  record Membership(long version, Digest document) implements AuditEntry {
    @Override
    public Digest subject() {
      return document;
    }
  }

  /// A session over `plan` ended. `certificate` is absent when it ended before any masked input.
  record Session(
      Digest session,
      RunId run,
      Digest plan,
      SessionOutcome outcome,
      Digest transcript,
      Optional<Digest> certificate)
      implements AuditEntry {
    @Override
    public Digest subject() {
      return session;
    }
  }

  /// A round was committed. `version` is the digest of the model version that it wrote; absent for
  /// an evaluation.
  record Round(
      RunId run, int round, Digest plan, Digest sum, Digest transcript, Optional<Digest> version)
      implements AuditEntry {
    @Override
    public Digest subject() {
      return plan;
    }
  }

  /// A run ended with `version` as its newest model.
  record Run(RunId run, RunOutcome outcome, Digest version) implements AuditEntry {
    @Override
    public Digest subject() {
      return Digest.of(run.bytes().toByteArray());
    }
  }

  /// By what the entry is found: the digest of the membership document, the session id, the plan's
  /// digest, or the digest of the run's id. No two entries of one kind have the same.
  Digest subject();

  /// The kind as it stands in the document.
  default String kind() {
    return switch (this) {
      case Membership _ -> "membership";
      case Session _ -> "session";
      case Round _ -> "round";
      case Run _ -> "run";
    };
  }

  /// The run that the entry belongs to.
  default Optional<RunId> ofRun() {
    return switch (this) {
      case Membership _ -> Optional.empty();
      case Session session -> Optional.of(session.run());
      case Round round -> Optional.of(round.run());
      case Run run -> Optional.of(run.run());
    };
  }

  default Digest leafHash() {
    return TreeHash.leaf(encode());
  }

  default byte[] encode() {
    CborWriter out = CborWriter.map().text("kind", kind());
    return switch (this) {
      case Membership membership ->
          out.integer("version", membership.version())
              .bytes("document", membership.document().bytes())
              .toBytes();
      case Session session -> {
        session.certificate().ifPresent(found -> out.bytes("certificate", found.bytes()));
        yield out.bytes("session", session.session().bytes())
            .bytes("run", session.run().bytes())
            .bytes("plan", session.plan().bytes())
            .text("outcome", name(session.outcome()))
            .bytes("transcript", session.transcript().bytes())
            .toBytes();
      }
      case Round round -> {
        round.version().ifPresent(found -> out.bytes("version", found.bytes()));
        yield out.bytes("run", round.run().bytes())
            .integer("round", round.round())
            .bytes("plan", round.plan().bytes())
            .bytes("sum", round.sum().bytes())
            .bytes("transcript", round.transcript().bytes())
            .toBytes();
      }
      case Run run ->
          out.bytes("run", run.run().bytes())
              .text("outcome", name(run.outcome()))
              .bytes("version", run.version().bytes())
              .toBytes();
    };
  }

  /// `dev.comity.codec.MalformedException` when the bytes are no entry.
  static AuditEntry decode(byte[] bytes) {
    return CborReader.read(bytes, "AuditEntry", AuditEntry::read);
  }

  private static AuditEntry read(CborReader in) {
    String kind = in.text("kind");
    return switch (kind) {
      case "membership" -> new Membership(in.integer("version"), digest(in, "document"));
      case "session" ->
          new Session(
              digest(in, "session"),
              RunId.ofBytes(in.bytes("run", 16)),
              digest(in, "plan"),
              constant(in, SessionOutcome.values()),
              digest(in, "transcript"),
              optionalDigest(in, "certificate"));
      case "round" ->
          new Round(
              RunId.ofBytes(in.bytes("run", 16)),
              in.int32("round"),
              digest(in, "plan"),
              digest(in, "sum"),
              digest(in, "transcript"),
              optionalDigest(in, "version"));
      case "run" ->
          new Run(
              RunId.ofBytes(in.bytes("run", 16)),
              constant(in, RunOutcome.values()),
              digest(in, "version"));
      default ->
          throw new IllegalArgumentException(
              "kind \"%s\": must be membership, session, round or run".formatted(kind));
    };
  }

  private static Digest digest(CborReader in, String name) {
    return Digest.ofValue(in.bytes(name, Digest.SIZE));
  }

  private static Optional<Digest> optionalDigest(CborReader in, String name) {
    return in.optionalBytes(name, Digest.SIZE, Digest.SIZE).map(Digest::ofValue);
  }

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static <E extends Enum<E>> E constant(CborReader in, E[] values) {
    String text = in.text("outcome");
    for (E value : values) {
      if (name(value).equals(text)) {
        return value;
      }
    }
    throw new IllegalArgumentException("outcome \"%s\": unknown".formatted(text));
  }
}
