package dev.comity.ledger;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyEvent;
import dev.comity.accounting.PrivacyLoss;
import dev.comity.plan.Digest;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Reads a ledger that another process may have open, changes nothing, and checks every link.
public final class LedgerVerifier {
  private LedgerVerifier() {}

  /// What a whole ledger says.
  ///
  /// @param head the digest of the last entry
  /// @param charged what was released or may yet be found in a sum, composed; empty when no
  ///   differentially private update was
  /// @param committed as `charged`, with what is reserved
  /// @param unbounded how many charged updates had no differential privacy
  /// @param torn whether the file ends in an entry that a power cut tore
  public record Statement(
      List<LedgerEntry> entries,
      Digest head,
      Optional<PrivacyLoss> charged,
      Optional<PrivacyLoss> committed,
      int unbounded,
      boolean torn) {
    public Statement {
      entries = List.copyOf(entries);
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
        charged.size() - chargedEvents.size(),
        content.torn());
  }

  private static Optional<PrivacyLoss> loss(
      PrivacyAccountant accountant, List<PrivacyEvent> events, double delta) {
    return events.isEmpty() ? Optional.empty() : Optional.of(accountant.epsilon(events, delta));
  }
}
