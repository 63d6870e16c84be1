package dev.comity.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.accounting.PrivacyEvent;
import dev.comity.ledger.LedgerEntry;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.session.PrivacyBook;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

class LedgerCommandTest {
  private static final Digest TERMS = Digest.of(new byte[] {1});
  private static final Digest SESSION = Digest.of(new byte[] {2});
  private static final Digest PROOF = Digest.of(new byte[] {3});

  @TempDir private Path folder;
  private Digest head = PrivacyBook.EMPTY;
  private int entries;

  private record Result(int code, String out, String err) {}

  private Result run(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int code =
        AgentCommand.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments);
    return new Result(code, out.toString(), err.toString());
  }

  @BeforeEach
  void write() throws IOException {
    Files.writeString(
        folder.resolve("agent.yaml"),
        """
        federation: test
        site: s1
        consortiumKey: "%s"
        aggregator: https://127.0.0.1:9443
        """
            .formatted(MessageKey.generate().publicKey().hex()));
    enter(
        new LedgerEntry.Action.Reserve(
            TERMS,
            new RunId(new UUID(0, 7)),
            "heart",
            3,
            Optional.of(new PrivacyEvent.PoissonGaussian(1.1, 0.05, 100))));
    enter(new LedgerEntry.Action.Charge(TERMS, SESSION));
  }

  private void enter(LedgerEntry.Action action) throws IOException {
    var entry = new LedgerEntry(++entries, head, Instant.parse("2026-11-25T08:00:00Z"), action);
    head = entry.digest();
    byte[] bytes = entry.encode();
    Storage.ofFiles()
        .append(
            folder.resolve("privacy-ledger"),
            ByteBuffer.allocate(4 + bytes.length + Digest.SIZE)
                .putInt(bytes.length)
                .put(bytes)
                .put(Digest.of(bytes).bytes())
                .array());
  }

  @Test
  void showPrintsBudgetSpendingAndEveryEntry() {
    Result shown = run("ledger", "show", "--dir", folder.toString());

    assertThat(shown.code()).isZero();
    assertThat(shown.out())
        .contains("privacy ledger of site s1: 2 entries, head " + head.hex())
        .contains("budget for life       epsilon 8.0 at delta 1.0E-5")
        .containsPattern("charged  +epsilon [0-9.]+ \\(PLD\\)")
        .contains("study heart, run 00000000-0000-0000-0000-000000000007, from version 3")
        .contains("noise 1.1, sampling rate 0.05, 100 steps")
        .contains("session " + SESSION.abbreviated());
  }

  @Test
  void showSpeaksJson() {
    Result shown = run("ledger", "show", "--json", "--dir", folder.toString());

    var document = JsonMapper.builder().build().readTree(shown.out());
    assertThat(document.path("head").asString()).isEqualTo(head.hex());
    assertThat(document.path("budget").path("epsilon").asDouble()).isEqualTo(8);
    assertThat(document.path("budget").path("deltaAdvice").asString()).isEqualTo("UNKNOWN");
    assertThat(document.path("charged").asDouble()).isPositive();
    assertThat(document.path("entries")).hasSize(2);
  }

  private Result showFor(int records, String delta) throws IOException {
    var data = new StringBuilder("a,y\n");
    for (int row = 0; row < records; row++) {
      data.append(row).append(',').append(row % 2).append('\n');
    }
    Files.writeString(folder.resolve("data.csv"), data);
    Files.writeString(
        folder.resolve("mapping.yaml"),
        """
        source: {files: [data.csv], header: true}
        features:
          - numeric: a
        label: {name: y, column: y, positiveAbove: 0}
        split: {fraction: {test: 0.5, seed: 7}}
        """);
    Files.writeString(
        folder.resolve("policy.yaml"), "privacy: {epsilon: 8, delta: %s}\n".formatted(delta));
    return run("ledger", "show", "--dir", folder.toString());
  }

  /// Half of the records are trained on: a tenth of a record of 25,000 is 4e-6.
  @Test
  void aDeltaAboveATenthOfARecordOrTheSuggestedMostIsWarnedOf() throws IOException {
    assertThat(showFor(50_000, "3.9e-6").out()).doesNotContain("delta is larger", "compared");
    assertThat(showFor(50_000, "4.2e-6").out())
        .contains("WARNING: delta is larger than suggested for this site's N records")
        .doesNotContain("50000", "25000");
    assertThat(showFor(40, "1.0e-5").out()).doesNotContain("delta is larger");
    assertThat(showFor(40, "1.1e-5").out()).contains("WARNING: delta is larger");
  }

  @Test
  void withoutReadableDataShowSaysThatDeltaWasNotCompared() {
    assertThat(run("ledger", "show", "--dir", folder.toString()).out())
        .contains("delta was not compared with the number of records");
  }

  @Test
  void aRefundIsNoLongerChargedAndAReleaseNoLongerReserved() throws IOException {
    enter(new LedgerEntry.Action.Refund(TERMS, SESSION, PROOF));

    Result refunded = run("ledger", "show", "--dir", folder.toString());
    enter(new LedgerEntry.Action.Release(TERMS));
    Result released = run("ledger", "show", "--dir", folder.toString());

    assertThat(refunded.out())
        .contains("charged               epsilon 0\n")
        .containsPattern("charged and reserved  epsilon [0-9.]+ \\(PLD\\)")
        .containsPattern(
            "refund +%s +session %s, proof %s"
                .formatted(TERMS.abbreviated(), SESSION.abbreviated(), PROOF.abbreviated()));
    assertThat(released.out())
        .contains("4 entries, head " + head.hex())
        .contains("charged               epsilon 0\n")
        .contains("charged and reserved  epsilon 0\n")
        .containsPattern("release +%s +nothing was sent".formatted(TERMS.abbreviated()));
    assertThat(run("ledger", "verify", "--dir", folder.toString()).out())
        .isEqualTo("holds: 4 entries, head %s%n".formatted(head.hex()));
  }

  @Test
  void aReleasedUpdateWithoutDifferentialPrivacyIsCountedApart() throws IOException {
    Digest plain = Digest.of(new byte[] {4});
    enter(
        new LedgerEntry.Action.Reserve(
            plain, new RunId(new UUID(0, 8)), "open", 0, Optional.empty()));
    Result reserved = run("ledger", "show", "--dir", folder.toString());
    enter(new LedgerEntry.Action.Charge(plain, SESSION));
    Result charged = run("ledger", "show", "--dir", folder.toString());

    assertThat(reserved.out()).contains("released without differential privacy: 0 updates");
    assertThat(charged.out()).contains("released without differential privacy: 1 updates");
  }

  @Test
  void verifyRefusesARefundOfWhatIsNotCharged() throws IOException {
    enter(new LedgerEntry.Action.Refund(TERMS, PROOF, PROOF));

    Result refused = run("ledger", "verify", "--dir", folder.toString());

    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("entry 3: refunds what is not charged in that session");
  }

  @Test
  void verifyHoldsAWholeLedgerAndAHeadThatItHad() {
    Result held = run("ledger", "verify", "--dir", folder.toString(), "--head", head.hex());

    assertThat(held.code()).isZero();
    assertThat(held.out()).isEqualTo("holds: 2 entries, head %s%n".formatted(head.hex()));
  }

  @Test
  void verifyRefusesALedgerThatWasSetBack() throws IOException {
    Digest later = head;
    Files.delete(folder.resolve("privacy-ledger"));

    Result refused = run("ledger", "verify", "--dir", folder.toString(), "--head", later.hex());

    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err()).contains("never had the head").contains("enrol the site anew");
  }

  @Test
  void verifyNamesTheEntryThatWasChanged() throws IOException {
    byte[] content = Files.readAllBytes(folder.resolve("privacy-ledger"));
    content[40] ^= 1;
    Files.write(folder.resolve("privacy-ledger"), content);

    Result refused = run("ledger", "verify", "--dir", folder.toString());

    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .startsWith("site-agent: privacy ledger ")
        .contains("entry 1: was changed")
        .doesNotContain("\tat ");
  }

  @Test
  void withoutASubcommandTheUsageIsSaid() {
    Result refused = run("ledger");

    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err()).contains("name a command: show or verify");
  }
}
