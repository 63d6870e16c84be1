package dev.comity.ledger;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyBudget;
import dev.comity.accounting.PrivacyEvent;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.UpdateTerms;
import dev.comity.session.Certificate;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SessionRefusal;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The lifetime account of one data set, as a hash-chained file of the site. RESERVE before
/// training, CHARGE before anything is sent, REFUND with proof, RELEASE when nothing was sent.
///
/// All events count, whatever run or researcher they came from: what is reserved and charged,
/// composed by the accountant at the budget's δ, must stay within the budget's ε, and those of a
/// study with a budget of its own within that one as well. Protection of a whole site is also
/// protection of each of its records, so events of both kinds compose to a bound for records.
/// Updates without differential privacy are entered too, so that the book names every release; no
/// budget bounds them.
///
/// ### Security guarantees
///
/// Those of [PrivacyBook]. The ledger is opened only if every entry follows from the ones before,
/// but for an end that a power cut tore, which nobody relied upon. What it cannot write it does not
/// permit.
///
/// Safe for use by many threads of the one process that has it open.
public final class PrivacyLedger implements PrivacyBook {
  private static final Logger LOG = LoggerFactory.getLogger(PrivacyLedger.class);

  private final Path path;
  private final LedgerFile file;
  private final BudgetCheck budgets;
  private final InstantSource clock;
  private LedgerState state = new LedgerState();
  private boolean doubtful;

  private PrivacyLedger(Storage storage, Path path, BudgetCheck budgets, InstantSource clock) {
    this.path = path;
    this.file = new LedgerFile(storage, path);
    this.budgets = budgets;
    this.clock = clock;
  }

  /// Opens the ledger in `file`, empty when there is none. No study has a budget of its own.
  ///
  /// @throws DamagedLedgerException when an entry was changed, is missing or does not follow
  public static PrivacyLedger open(
      Storage storage,
      Path file,
      PrivacyBudget budget,
      PrivacyAccountant accountant,
      InstantSource clock)
      throws IOException {
    return open(storage, file, budget, StudyBudgets.none(), accountant, clock);
  }

  /// Opens the ledger in `file`, empty when there is none.
  ///
  /// @param studies what single studies may cost, within `budget`
  /// @throws DamagedLedgerException when an entry was changed, is missing or does not follow
  public static PrivacyLedger open(
      Storage storage,
      Path file,
      PrivacyBudget budget,
      StudyBudgets studies,
      PrivacyAccountant accountant,
      InstantSource clock)
      throws IOException {
    var ledger =
        new PrivacyLedger(storage, file, new BudgetCheck(budget, studies, accountant), clock);
    ledger.load();
    return ledger;
  }

  private void load() throws IOException {
    LedgerFile.Content content = file.read();
    if (content.torn()) {
      LOG.atWarn()
          .addKeyValue("entries", content.entries().size())
          .log("Privacy ledger ended in a torn entry, which was taken off");
      file.mend(content);
    }
    LedgerState loaded = new LedgerState();
    replay(path, content.entries(), loaded);
    state = loaded;
  }

  /// Adds every entry to `state`; gives them back.
  static List<LedgerEntry> replay(Path file, List<byte[]> encoded, LedgerState state)
      throws DamagedLedgerException {
    List<LedgerEntry> entries = new ArrayList<>();
    for (byte[] bytes : encoded) {
      try {
        LedgerEntry entry = LedgerEntry.decode(bytes);
        state.add(entry);
        entries.add(entry);
      } catch (MalformedException | IllegalArgumentException e) {
        throw new DamagedLedgerException(
            file, entries.size() + 1L, String.valueOf(e.getMessage()), e);
      }
    }
    return List.copyOf(entries);
  }

  /// RESERVE: takes from the budget what the update with these terms costs once it is released.
  /// Again for the same terms: no effect.
  public synchronized Reservation reserve(UpdateTerms terms) {
    settle();
    Digest digest = terms.digest();
    if (state.position(digest).isPresent()) {
      return new Reservation.Reserved();
    }
    Optional<PrivacyEvent> event = PrivacyCost.of(terms);
    if (event.isPresent()) {
      var over = budgets.over(state, terms.study(), List.of(event.get()));
      if (over.isPresent()) {
        return over.get();
      }
    }
    enter(
        new LedgerEntry.Action.Reserve(
            digest, terms.run(), terms.study(), terms.baseVersion(), event));
    return new Reservation.Reserved();
  }

  /// When the newest entry was made; empty for a ledger without entries. A clock before it is
  /// wrong.
  public synchronized Optional<Instant> lastEntryAt() {
    settle();
    return state.lastEntryAt();
  }

  @Override
  public synchronized Digest head() {
    settle();
    return state.head();
  }

  @Override
  public synchronized void charge(Digest terms, Digest session) {
    settle();
    LedgerState.Position position =
        state
            .position(terms)
            .orElseThrow(() ->
                new SessionRefusal(
                    SessionRefusal.Reason.BUDGET,
                    "the privacy ledger has no reservation for the update of terms %s; it is not sent"
                        .formatted(terms.abbreviated())));
    if (position.session().filter(session::equals).isPresent()) {
      return;
    }
    if (position.reserve().event().isPresent()) {
      var over = budgets.over(state, position.reserve().study(), List.of());
      if (over.isPresent()) {
        PrivacyBudget budget = over.get().budget();
        throw new SessionRefusal(
            SessionRefusal.Reason.BUDGET,
            "the privacy budget of epsilon %s at delta %s no longer holds what is reserved; the update of terms %s is not sent"
                .formatted(budget.epsilon(), budget.delta(), terms.abbreviated()));
      }
    }
    enter(new LedgerEntry.Action.Charge(terms, session));
  }

  @Override
  public synchronized void refund(Digest terms, Digest session, Certificate proof) {
    settle();
    boolean charged =
        state
            .position(terms)
            .flatMap(LedgerState.Position::session)
            .filter(session::equals)
            .isPresent();
    if (charged) {
      enter(new LedgerEntry.Action.Refund(terms, session, proof.digest()));
    }
  }

  @Override
  public synchronized void release(Digest terms) {
    settle();
    if (state.position(terms).isPresent()) {
      enter(new LedgerEntry.Action.Release(terms));
    }
  }

  @Override
  public synchronized Set<Digest> open() {
    settle();
    return state.terms();
  }

  /// On stable storage first, then in memory.
  private void enter(LedgerEntry.Action action) {
    LedgerEntry entry = state.next(action, clock.instant());
    try {
      doubtful = true;
      file.append(entry.encode());
      doubtful = false;
    } catch (IOException e) {
      throw failed(e);
    }
    state.add(entry);
  }

  /// After a failed write the file may hold the entry, a part of it, or nothing: what it holds
  /// counts.
  private void settle() {
    if (doubtful) {
      try {
        load();
        doubtful = false;
      } catch (IOException e) {
        throw failed(e);
      }
    }
  }

  private static UncheckedIOException failed(IOException e) {
    return new UncheckedIOException(
        "cannot write the privacy ledger, so nothing is trained or sent: " + e.getMessage(), e);
  }
}
