package dev.comity.ledger;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyBudget;
import dev.comity.accounting.PrivacyEvent;
import dev.comity.accounting.PrivacyLoss;
import dev.comity.plan.Digest;
import dev.comity.plan.UpdateTerms;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// Reads a ledger that another process may have open, changes nothing, and checks every link.
public final class LedgerVerifier {
  private LedgerVerifier() {}

  /// What a whole ledger says.
  ///
  /// @param head the digest of the last entry
  /// @param charged what was released or may yet be found in a sum, composed; empty when no
  ///   differentially private update was
  /// @param committed as `charged`, with what is reserved
  /// @param studies as `committed`, of each study that has private updates
  /// @param unbounded how many charged updates had no differential privacy
  /// @param torn whether the file ends in an entry that a power cut tore
  public record Statement(
      List<LedgerEntry> entries,
      Digest head,
      Optional<PrivacyLoss> charged,
      Optional<PrivacyLoss> committed,
      SortedMap<String, PrivacyLoss> studies,
      int unbounded,
      boolean torn) {
    public Statement {
      entries = List.copyOf(entries);
      studies = Collections.unmodifiableSortedMap(new TreeMap<>(studies));
    }

    /// Whether `head` was the ledger's head at some time: a head that another site once saw in a
    /// session must still be there.
    public boolean held(Digest head) {
      return entries.stream().anyMatch(entry -> entry.digest().equals(head));
    }
  }

  /// @param delta at which ε is stated
  /// @throws DamagedLedgerException naming the first entry that does not hold
  public static Statement verify(
      Storage storage, Path file, PrivacyAccountant accountant, double delta) throws IOException {
    LedgerFile.Content content = new LedgerFile(storage, file).read();
    LedgerState state = new LedgerState();
    List<LedgerEntry> entries = PrivacyLedger.replay(file, content.entries(), state);
    List<LedgerState.Position> charged =
        state.positions().stream().filter(position -> position.session().isPresent()).toList();
    List<PrivacyEvent> chargedEvents =
        charged.stream().flatMap(position -> position.reserve().event().stream()).toList();
    return new Statement(
        entries,
        state.head(),
        loss(accountant, chargedEvents, delta),
        loss(accountant, state.events(), delta),
        studies(accountant, state, delta),
        charged.size() - chargedEvents.size(),
        content.torn());
  }

  /// The entries alone, each checked to follow from those before; nothing is composed.
  ///
  /// @throws DamagedLedgerException naming the first entry that does not hold
  public static List<LedgerEntry> entries(Storage storage, Path file) throws IOException {
    return PrivacyLedger.replay(
        file, new LedgerFile(storage, file).read().entries(), new LedgerState());
  }

  /// What [PrivacyLedger#reserve] would answer now; enters nothing.
  ///
  /// @throws DamagedLedgerException naming the first entry that does not hold
  public static Reservation preview(
      Storage storage,
      Path file,
      PrivacyBudget budget,
      StudyBudgets studies,
      PrivacyAccountant accountant,
      UpdateTerms terms)
      throws IOException {
    LedgerState state = new LedgerState();
    var _ = PrivacyLedger.replay(file, new LedgerFile(storage, file).read().entries(), state);
    Optional<PrivacyEvent> event = PrivacyCost.of(terms);
    if (event.isEmpty() || state.position(terms.digest()).isPresent()) {
      return new Reservation.Reserved();
    }
    var over =
        new BudgetCheck(budget, studies, accountant)
            .over(state, terms.study(), List.of(event.get()));
    return over.isPresent() ? over.get() : new Reservation.Reserved();
  }

  private static SortedMap<String, PrivacyLoss> studies(
      PrivacyAccountant accountant, LedgerState state, double delta) {
    var losses = new TreeMap<String, PrivacyLoss>();
    for (String study : state.studies()) {
      loss(accountant, state.events(study), delta).ifPresent(loss -> losses.put(study, loss));
    }
    return losses;
  }

  private static Optional<PrivacyLoss> loss(
      PrivacyAccountant accountant, List<PrivacyEvent> events, double delta) {
    return events.isEmpty() ? Optional.empty() : Optional.of(accountant.epsilon(events, delta));
  }
}
