package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// What this site holds the audit log to, on disk: the last head that it countersigned, which only
/// grows; what the next heads must prove; and the first alarm. Confined to one thread.
final class AuditBook {
  private static final int SIGNATURE_BYTES = 64;
  private static final int MOST_DOCUMENT_BYTES = 1 << 16;

  private final DurableFile file;
  private final Path alarms;
  private final Map<Digest, Digest> sessions = new LinkedHashMap<>();
  private final Map<Digest, AuditEntry.Round> rounds = new LinkedHashMap<>();
  private Optional<SignedHead> head = Optional.empty();
  private Optional<String> alarm = Optional.empty();

  /// @param file of the book; beside it lies the folder of the heads that raised an alarm
  AuditBook(Path file) {
    this.file = new DurableFile(file);
    this.alarms = file.resolveSibling(file.getFileName() + "-alarms");
    this.file.read().ifPresent(this::read);
  }

  /// The last head that this site countersigned; it was verified before it was kept.
  Optional<TreeHead> head() {
    return head.map(signed -> TreeHead.decode(signed.document().toByteArray()));
  }

  /// The first thing that was wrong with the log, until a person removes the book.
  Optional<String> alarm() {
    return alarm;
  }

  /// Certificate by session: each must be a leaf.
  Map<Digest, Digest> sessions() {
    return Map.copyOf(sessions);
  }

  /// By the digest of the plan: each must be a leaf, exactly so.
  Map<Digest, AuditEntry.Round> rounds() {
    return Map.copyOf(rounds);
  }

  /// The next head must hold the end of this session with this certificate.
  void expect(Digest session, Digest certificate) {
    sessions.put(session, certificate);
    write();
  }

  /// The next head must hold this round.
  void expect(AuditEntry.Round round) {
    rounds.put(round.plan(), round);
    write();
  }

  /// `checked` proves all that was expected. On disk before the countersignature leaves.
  void countersigned(SignedHead checked) {
    head = Optional.of(checked);
    sessions.clear();
    rounds.clear();
    write();
  }

  /// Keeps what is wrong and both heads: two of them that contradict each other convict the
  /// aggregator before anybody.
  void alarm(String what, SignedHead shown) {
    CborWriter evidence = CborWriter.map().text("reason", what).map("shown", writer(shown));
    head.ifPresent(known -> evidence.map("known", writer(known)));
    new DurableFile(alarms.resolve(shown.digest().hex() + ".cbor")).write(evidence.toBytes());
    if (alarm.isEmpty()) {
      alarm = Optional.of(what);
      write();
    }
  }

  private void write() {
    CborWriter out =
        CborWriter.map()
            .text("alarm", alarm)
            .maps(
                "sessions",
                sessions.entrySet(),
                entry ->
                    CborWriter.map()
                        .bytes("session", entry.getKey().bytes())
                        .bytes("certificate", entry.getValue().bytes()))
            .maps(
                "rounds",
                rounds.values(),
                round -> CborWriter.map().bytes("entry", round.encode()));
    head.ifPresent(known -> out.map("head", writer(known)));
    file.write(out.toBytes());
  }

  private static CborWriter writer(SignedHead head) {
    return CborWriter.map().bytes("document", head.document()).bytes("signature", head.signature());
  }

  private void read(byte[] content) {
    CborReader in = CborReader.map(content, "AuditBook");
    alarm = in.optionalText("alarm");
    head = in.optionalMap("head", AuditBook::head);
    in.maps("sessions", each -> Map.entry(digest(each, "session"), digest(each, "certificate")))
        .forEach(entry -> sessions.put(entry.getKey(), entry.getValue()));
    in.maps("rounds", each -> each.bytes("entry", 1, MOST_DOCUMENT_BYTES))
        .forEach(entry -> {
          if (AuditEntry.decode(entry.toByteArray()) instanceof AuditEntry.Round round) {
            rounds.put(round.plan(), round);
          }
        });
    in.end();
  }

  private static SignedHead head(CborReader in) {
    Bytes document = in.bytes("document", 1, MOST_DOCUMENT_BYTES);
    return new SignedHead(document, in.bytes("signature", SIGNATURE_BYTES));
  }

  private static Digest digest(CborReader in, String name) {
    return Digest.ofValue(in.bytes(name, Digest.SIZE));
  }
}
