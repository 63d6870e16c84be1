package dev.comity.agent.participation;

import dev.comity.agent.protection.Sessions;
import dev.comity.agent.protection.UpdateStore;
import dev.comity.agent.training.CheckpointStore;
import dev.comity.ledger.LedgerEntry;
import dev.comity.ledger.LedgerVerifier;
import dev.comity.plan.Digest;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;

/// Erases what the site holds of the studies and runs that it left. The ledger names every update
/// that was ever begun. May be repeated. Confined to the training thread, so that no training
/// stores an update meanwhile.
final class Departure {
  private final Path ledger;
  private final Path checkpoints;
  private final Withdrawals withdrawals;
  private final UpdateStore updates;
  private final Sessions sessions;

  Departure(
      SiteDirectory directory, Withdrawals withdrawals, UpdateStore updates, Sessions sessions) {
    this.ledger = directory.privacyLedger();
    this.checkpoints = directory.checkpoints();
    this.withdrawals = withdrawals;
    this.updates = updates;
    this.sessions = sessions;
  }

  /// What became of the updates that the site made for what it left.
  ///
  /// @param erased updates that no sum has
  /// @param inDoubt updates whose masked vector was sent, in sessions whose end is not proven: they
  ///   cannot be recalled, and may be in a sum
  /// @param summed updates that are in a sum
  record Left(int erased, int inDoubt, int summed) {}

  Left leave() {
    int erased = 0;
    int inDoubt = 0;
    int summed = 0;
    var seen = new HashSet<Digest>();
    for (LedgerEntry entry : entries()) {
      if (entry.action() instanceof LedgerEntry.Action.Reserve reserve
          && withdrawals.covers(reserve.study(), reserve.run())
          && seen.add(reserve.terms())) {
        updates.eraseAll(reserve.run());
        CheckpointStore.discard(checkpoints, reserve.terms());
        switch (sessions.leave(reserve.terms())) {
          case FREE, UNSENT -> erased++;
          case IN_DOUBT -> inDoubt++;
          case SPENT -> summed++;
        }
      }
    }
    return new Left(erased, inDoubt, summed);
  }

  private List<LedgerEntry> entries() {
    try {
      return LedgerVerifier.entries(Storage.ofFiles(), ledger);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the privacy ledger " + ledger, e);
    }
  }
}
