package dev.comity.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyBudget;
import dev.comity.accounting.PrivacyEvent;
import dev.comity.plan.Digest;
import dev.comity.plan.DistributedNoise;
import dev.comity.plan.PrivatePlans;
import dev.comity.plan.UpdateTerms;
import dev.comity.session.Certificate;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SessionRefusal;
import dev.comity.storage.FailingDisk;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivacyLedgerTest {
  private static final PrivacyAccountant ACCOUNTANT = PrivacyAccountant.deciding();
  private static final Digest SESSION = Digest.of(new byte[] {1});
  private static final Digest NEXT_SESSION = Digest.of(new byte[] {2});

  @TempDir private Path folder;
  private Instant now = Instant.parse("2026-11-25T08:00:00Z");

  private Path file() {
    return folder.resolve("ledger");
  }

  private PrivacyLedger open(double epsilon) throws IOException {
    return open(Storage.ofFiles(), epsilon);
  }

  private PrivacyLedger open(Storage storage, double epsilon) throws IOException {
    return PrivacyLedger.open(
        storage, file(), new PrivacyBudget(epsilon, 1e-5), ACCOUNTANT, () -> now);
  }

  private LedgerVerifier.Statement verify() throws IOException {
    return LedgerVerifier.verify(Storage.ofFiles(), file(), ACCOUNTANT, 1e-5);
  }

  private static Certificate abort(Digest session) {
    return new Certificate.Abort(session, List.of());
  }

  @Test
  void anUpdateIsReservedChargedRefundedAndReleased() throws IOException {
    PrivacyLedger ledger = open(8);
    UpdateTerms terms = PrivatePlans.recordLevel(0);

    assertThat(ledger.head()).isEqualTo(PrivacyBook.EMPTY);
    assertThat(ledger.reserve(terms)).isEqualTo(new Reservation.Reserved());
    ledger.charge(terms.digest(), SESSION);
    ledger.refund(terms.digest(), SESSION, abort(SESSION));
    ledger.charge(terms.digest(), NEXT_SESSION);
    ledger.release(terms.digest());

    assertThat(ledger.open()).isEmpty();
    assertThat(verify().entries())
        .extracting(LedgerEntry::action)
        .containsExactly(
            new LedgerEntry.Action.Reserve(
                terms.digest(),
                terms.run(),
                terms.study(),
                0,
                Optional.of(new PrivacyEvent.PoissonGaussian(1.1, 0.05, 100))),
            new LedgerEntry.Action.Charge(terms.digest(), SESSION),
            new LedgerEntry.Action.Refund(terms.digest(), SESSION, abort(SESSION).digest()),
            new LedgerEntry.Action.Charge(terms.digest(), NEXT_SESSION),
            new LedgerEntry.Action.Release(terms.digest()));
    assertThat(verify().head()).isEqualTo(ledger.head());
  }

  @Test
  void whatIsRepeatedIsEnteredOnce() throws IOException {
    PrivacyLedger ledger = open(8);
    UpdateTerms terms = PrivatePlans.recordLevel(0);

    for (int i = 0; i < 2; i++) {
      ledger.reserve(terms);
      ledger.charge(terms.digest(), SESSION);
    }
    ledger.refund(terms.digest(), NEXT_SESSION, abort(NEXT_SESSION));
    for (int i = 0; i < 2; i++) {
      ledger.refund(terms.digest(), SESSION, abort(SESSION));
    }
    for (int i = 0; i < 2; i++) {
      ledger.release(terms.digest());
    }

    assertThat(verify().entries()).hasSize(4);
  }

  @Test
  void aChargePassesToTheNextSession() throws IOException {
    PrivacyLedger ledger = open(8);
    UpdateTerms terms = PrivatePlans.recordLevel(0);
    ledger.reserve(terms);
    ledger.charge(terms.digest(), SESSION);

    ledger.charge(terms.digest(), NEXT_SESSION);
    ledger.refund(terms.digest(), SESSION, abort(SESSION));

    assertThat(verify().charged()).isPresent();
    assertThat(verify().charged()).isEqualTo(verify().committed());
  }

  @Test
  void noResearcherExceedsTheLifetimeBudget() throws IOException {
    PrivacyLedger ledger = open(8);
    int reserved = 0;

    Reservation last = ledger.reserve(PrivatePlans.recordLevel(0));
    while (last instanceof Reservation.Reserved) {
      UpdateTerms terms = PrivatePlans.recordLevel(reserved);
      ledger.charge(terms.digest(), SESSION);
      reserved++;
      last = ledger.reserve(PrivatePlans.recordLevel(reserved));
    }

    double spent = verify().charged().orElseThrow().epsilon();
    List<PrivacyEvent> one = List.of(new PrivacyEvent.PoissonGaussian(1.1, 0.05, 100));
    assertThat(reserved).isGreaterThan(1);
    assertThat(spent).isBetween(ACCOUNTANT.epsilon(one, 1e-5).epsilon(), 8.0);
    assertThat(last)
        .isInstanceOfSatisfying(
            Reservation.OverBudget.class,
            over -> assertThat(over.loss().epsilon()).isGreaterThan(8));
    assertThat(verify().entries()).hasSize(2 * reserved);
  }

  @Test
  void aReservationCountsUntilItIsReleased() throws IOException {
    double two =
        ACCOUNTANT
            .epsilon(List.of(new PrivacyEvent.PoissonGaussian(1.1, 0.05, 200)), 1e-5)
            .epsilon();
    PrivacyLedger ledger = open(0.99 * two);
    UpdateTerms first = PrivatePlans.recordLevel(0);
    ledger.reserve(first);

    assertThat(ledger.reserve(PrivatePlans.recordLevel(1)))
        .isInstanceOf(Reservation.OverBudget.class);
    ledger.release(first.digest());

    assertThat(ledger.reserve(PrivatePlans.recordLevel(1)))
        .isInstanceOf(Reservation.Reserved.class);
  }

  @Test
  void nothingIsChargedWithoutAReservation() throws IOException {
    PrivacyLedger ledger = open(8);
    Digest terms = PrivatePlans.recordLevel(0).digest();

    assertThatThrownBy(() -> ledger.charge(terms, SESSION))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.BUDGET));
    assertThat(ledger.head()).isEqualTo(PrivacyBook.EMPTY);
  }

  @Test
  void aBudgetThatWasLoweredStopsWhatWasReserved() throws IOException {
    UpdateTerms terms = PrivatePlans.recordLevel(0);
    open(8).reserve(terms);
    PrivacyLedger stricter = open(0.1);
    Digest before = stricter.head();

    assertThatThrownBy(() -> stricter.charge(terms.digest(), SESSION))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.BUDGET));
    assertThat(stricter.head()).isEqualTo(before);
  }

  @Test
  void anUpdateWithoutPrivacyIsNamedAndNotBounded() throws IOException {
    PrivacyLedger ledger = open(0.001);
    UpdateTerms terms = PrivatePlans.withoutNoise(0);

    assertThat(ledger.reserve(terms)).isInstanceOf(Reservation.Reserved.class);
    ledger.charge(terms.digest(), SESSION);

    assertThat(verify().unbounded()).isEqualTo(1);
    assertThat(verify().committed()).isEmpty();
  }

  @Test
  void aRoundWithDistributedNoiseCostsWhatItsSumDoes() throws IOException {
    UpdateTerms terms = PrivatePlans.distributed(0);
    DistributedNoise noise = DistributedNoise.of(terms);
    PrivacyEvent.DiscreteGaussianSum cost =
        (PrivacyEvent.DiscreteGaussianSum) PrivacyCost.of(terms).orElseThrow();
    PrivacyLedger ledger = open(100);

    assertThat(ledger.reserve(terms)).isInstanceOf(Reservation.Reserved.class);

    assertThat(cost.contributors()).isEqualTo(3);
    assertThat(cost.localSigma() * Math.sqrt(3) / Math.sqrt(cost.squaredSensitivity()))
        .isBetween(0.8, 0.81);
    assertThat(cost.dimension()).isEqualTo((int) noise.dimension());
    assertThat(verify().committed().orElseThrow())
        .isEqualTo(ACCOUNTANT.epsilon(List.of(cost), 1e-5));
  }

  @Test
  void aClockThatFellBehindDoesNotTurnTheBook() throws IOException {
    PrivacyLedger ledger = open(8);
    ledger.reserve(PrivatePlans.recordLevel(0));
    now = now.minusSeconds(86_400);

    ledger.reserve(PrivatePlans.withoutNoise(1));

    List<LedgerEntry> entries = verify().entries();
    assertThat(entries.getLast().at()).isEqualTo(entries.getFirst().at());
  }

  @Test
  void everyFlippedByteIsDamage() throws IOException {
    PrivacyLedger ledger = open(8);
    ledger.reserve(PrivatePlans.recordLevel(0));
    ledger.charge(PrivatePlans.recordLevel(0).digest(), SESSION);
    byte[] whole = Files.readAllBytes(file());
    Digest head = ledger.head();

    for (int i = 0; i < whole.length; i++) {
      byte[] changed = whole.clone();
      changed[i] ^= 0x10;
      Files.write(file(), changed);

      boolean noticed;
      try {
        // A longer last entry looks torn; then the head that others saw is gone.
        noticed = !verify().held(head);
      } catch (DamagedLedgerException e) {
        noticed = true;
      }
      assertThat(noticed).as("byte %d", i).isTrue();
    }
  }

  @Test
  void aMissingRepeatedOrExchangedEntryIsDamage() throws IOException {
    PrivacyLedger ledger = open(8);
    List<byte[]> frames = new ArrayList<>();
    int length = 0;
    for (int i = 0; i < 3; i++) {
      ledger.reserve(PrivatePlans.withoutNoise(i));
      byte[] whole = Files.readAllBytes(file());
      frames.add(Arrays.copyOfRange(whole, length, whole.length));
      length = whole.length;
    }

    assertDamaged(1, frames.get(1), frames.get(2));
    assertDamaged(2, frames.get(0), frames.get(2));
    assertDamaged(2, frames.get(0), frames.get(0), frames.get(1));
    assertDamaged(1, frames.get(1), frames.get(0), frames.get(2));
  }

  private void assertDamaged(int entry, byte[]... frames) throws IOException {
    Files.write(file(), new byte[0]);
    for (byte[] frame : frames) {
      Files.write(file(), frame, StandardOpenOption.APPEND);
    }
    assertThatThrownBy(() -> open(8))
        .isInstanceOf(DamagedLedgerException.class)
        .hasMessageContaining("entry " + entry + ":");
  }

  @Test
  void anEndThatAPowerCutToreIsTakenOff() throws IOException {
    PrivacyLedger ledger = open(8);
    ledger.reserve(PrivatePlans.recordLevel(0));
    byte[] first = Files.readAllBytes(file());
    Digest head = ledger.head();
    ledger.charge(PrivatePlans.recordLevel(0).digest(), SESSION);
    byte[] both = Files.readAllBytes(file());

    for (int kept = first.length; kept < both.length; kept++) {
      Files.write(file(), Arrays.copyOf(both, kept)); // cut off
      assertThat(open(8).head()).as("%d bytes", kept).isEqualTo(head);
      assertThat(Files.readAllBytes(file())).isEqualTo(first);
      byte[] unwritten = Arrays.copyOf(Arrays.copyOf(both, kept), both.length);
      if (kept <= both.length - Digest.SIZE) {
        Files.write(file(), unwritten); // the length was written, the rest was not
        assertThat(open(8).head()).as("%d bytes and zeros", kept).isEqualTo(head);
      }
    }
  }

  @Test
  void afterAFailedWriteTheFileDecidesWhatCounts() throws IOException {
    var disk = new FailingDisk();
    PrivacyLedger ledger = open(new Storage(disk), 8);
    UpdateTerms terms = PrivatePlans.recordLevel(0);
    ledger.reserve(terms);
    for (int written : new int[] {0, 1, 50, Integer.MAX_VALUE}) {
      disk.failNextAppendAfter(written);
      Digest session = Digest.of(new byte[] {9, (byte) written});

      assertThatThrownBy(() -> ledger.charge(terms.digest(), session))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("nothing is trained or sent");
      ledger.charge(terms.digest(), session);

      assertThat(verify().head()).isEqualTo(ledger.head());
    }
    assertThat(verify().entries()).hasSize(5);
  }

  /// The study's budget holds one update and a twentieth of its ε more, the lifetime's many.
  private PrivacyLedger openWithStudyBudget(Storage storage, String study) throws IOException {
    double once =
        ACCOUNTANT
            .epsilon(List.of(new PrivacyEvent.PoissonGaussian(1.1, 0.05, 100)), 1e-5)
            .epsilon();
    return PrivacyLedger.open(
        storage,
        file(),
        new PrivacyBudget(8, 1e-5),
        asked ->
            asked.equals(study)
                ? Optional.of(new PrivacyBudget(1.05 * once, 1e-5))
                : Optional.empty(),
        ACCOUNTANT,
        () -> now);
  }

  @Test
  void aStudyStaysWithinItsOwnBudgetAndLeavesTheRestToOthers() throws IOException {
    PrivacyLedger ledger = openWithStudyBudget(Storage.ofFiles(), "heart");
    ledger.reserve(PrivatePlans.recordLevel("heart", 0));

    Reservation second = ledger.reserve(PrivatePlans.recordLevel("heart", 1));
    Reservation other = ledger.reserve(PrivatePlans.recordLevel("lung", 1));

    assertThat(second)
        .isInstanceOfSatisfying(
            Reservation.OverBudget.class,
            over -> assertThat(over.study()).isEqualTo(Optional.of("heart")));
    assertThat(other).isEqualTo(new Reservation.Reserved());
    assertThat(verify().entries()).hasSize(2);
    assertThat(verify().studies()).containsOnlyKeys("heart", "lung");
    assertThat(Objects.requireNonNull(verify().studies().get("heart")).epsilon())
        .isLessThan(verify().committed().orElseThrow().epsilon());
  }

  @Test
  void aStudysBudgetHoldsAfterACrashInTheMiddleOfAnEntry() throws IOException {
    var disk = new FailingDisk();
    PrivacyLedger ledger = openWithStudyBudget(new Storage(disk), "heart");
    for (int written : new int[] {0, 1, 50}) {
      disk.failNextAppendAfter(written);
      assertThatThrownBy(() -> ledger.reserve(PrivatePlans.recordLevel("heart", 0)))
          .isInstanceOf(UncheckedIOException.class);
      assertThat(openWithStudyBudget(Storage.ofFiles(), "heart").open())
          .as("after %d bytes", written)
          .isEmpty();
    }
    disk.failNextAppendAfter(Integer.MAX_VALUE); // written whole, and not known to be

    assertThatThrownBy(() -> ledger.reserve(PrivatePlans.recordLevel("heart", 0)))
        .isInstanceOf(UncheckedIOException.class);

    PrivacyLedger after = openWithStudyBudget(Storage.ofFiles(), "heart");
    assertThat(after.reserve(PrivatePlans.recordLevel("heart", 1)))
        .isInstanceOf(Reservation.OverBudget.class);
    assertThat(after.open()).hasSize(1);
  }

  @Test
  void aStudysBudgetThatWasLoweredStopsWhatWasReserved() throws IOException {
    UpdateTerms terms = PrivatePlans.recordLevel("heart", 0);
    open(8).reserve(terms);
    PrivacyLedger stricter =
        PrivacyLedger.open(
            Storage.ofFiles(),
            file(),
            new PrivacyBudget(8, 1e-5),
            _ -> Optional.of(new PrivacyBudget(0.1, 1e-5)),
            ACCOUNTANT,
            () -> now);

    assertThatThrownBy(() -> stricter.charge(terms.digest(), SESSION))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.BUDGET));
  }

  @Test
  void aPreviewAnswersAsAReservationWouldAndEntersNothing() throws IOException {
    PrivacyLedger ledger = openWithStudyBudget(Storage.ofFiles(), "heart");
    ledger.reserve(PrivatePlans.recordLevel("heart", 0));
    Digest before = ledger.head();

    for (UpdateTerms terms :
        List.of(
            PrivatePlans.recordLevel("heart", 0),
            PrivatePlans.recordLevel("heart", 1),
            PrivatePlans.withoutNoise(2))) {
      Reservation preview =
          LedgerVerifier.preview(
              Storage.ofFiles(),
              file(),
              new PrivacyBudget(8, 1e-5),
              study ->
                  study.equals("heart")
                      ? Optional.of(new PrivacyBudget(1e-3, 1e-5))
                      : Optional.empty(),
              ACCOUNTANT,
              terms);
      assertThat(preview instanceof Reservation.OverBudget)
          .as("base version %d", terms.baseVersion())
          .isEqualTo(terms.baseVersion() == 1);
    }
    assertThat(verify().head()).isEqualTo(before);
  }

  @Test
  void theTimeOfTheLastEntryIsKnownAlsoAfterARestart() throws IOException {
    assertThat(open(8).lastEntryAt()).isEmpty();

    open(8).reserve(PrivatePlans.recordLevel(0));

    assertThat(open(8).lastEntryAt()).isEqualTo(Optional.of(now));
  }
}
