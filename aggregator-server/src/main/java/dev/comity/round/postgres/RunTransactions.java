package dev.comity.round.postgres;

import dev.comity.audit.AuditLog;
import dev.comity.audit.Journal;
import dev.comity.audit.Signals;
import dev.comity.plan.RunId;
import dev.comity.registry.ArtifactStore;
import dev.comity.round.FederationAuthority;
import java.time.Clock;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.springframework.stereotype.Component;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/// Runs work on one run in a transaction that holds its row locked, so that the events of a run
/// have an order.
@Component
final class RunTransactions {

  private final TransactionTemplate transactions;
  private final RoundStore store;
  private final Sessions sessions;
  private final Journal journal;
  private final AuditLog audit;
  private final ArtifactStore artifacts;
  private final Signals signals;
  private final Spool spool;
  private final FederationAuthority federation;
  private final Clock clock;

  RunTransactions(
      PlatformTransactionManager manager,
      RoundStore store,
      Sessions sessions,
      Journal journal,
      AuditLog audit,
      ArtifactStore artifacts,
      Signals signals,
      Spool spool,
      FederationAuthority federation,
      Clock clock) {
    this.transactions = new TransactionTemplate(manager);
    this.store = store;
    this.sessions = sessions;
    this.journal = journal;
    this.audit = audit;
    this.artifacts = artifacts;
    this.signals = signals;
    this.spool = spool;
    this.federation = federation;
    this.clock = clock;
  }

  private record Done<T>(RunTransaction transaction, T result) {}

  /// Empty when the run is unknown.
  <T> Optional<T> in(RunId run, Function<RunTransaction, T> work) {
    Optional<Done<T>> done =
        Objects.requireNonNull(
            transactions.execute(_ ->
                store
                    .lock(run)
                    .map(row -> {
                      var transaction =
                          new RunTransaction(
                              row,
                              store,
                              sessions,
                              journal,
                              audit,
                              artifacts,
                              signals,
                              federation,
                              clock.instant());
                      return new Done<>(transaction, work.apply(transaction));
                    })));
    done.ifPresent(finished -> {
      finished.transaction().committed();
      for (var session : finished.transaction().aborted()) {
        spool.drop(session); // an aborted session sums nothing
        sessions.forget(session);
      }
    });
    return done.map(Done::result);
  }
}
