package dev.comity.ledger;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyBudget;
import dev.comity.accounting.PrivacyEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Holds what is reserved and charged against the budget of the study and that of the lifetime.
record BudgetCheck(PrivacyBudget life, StudyBudgets studies, PrivacyAccountant accountant) {

  /// The first budget that does not hold what `state` has, with `more` of `study`.
  Optional<Reservation.OverBudget> over(LedgerState state, String study, List<PrivacyEvent> more) {
    Optional<PrivacyBudget> own = studies.of(study);
    if (own.isPresent()) {
      var over = over(state.events(study), more, own.get(), Optional.of(study));
      if (over.isPresent()) {
        return over;
      }
    }
    return over(state.events(), more, life, Optional.empty());
  }

  private Optional<Reservation.OverBudget> over(
      List<PrivacyEvent> before,
      List<PrivacyEvent> more,
      PrivacyBudget budget,
      Optional<String> study) {
    List<PrivacyEvent> all = new ArrayList<>(before);
    all.addAll(more);
    return Optional.of(accountant.epsilon(all, budget.delta()))
        .filter(loss -> !budget.covers(loss))
        .map(loss -> new Reservation.OverBudget(loss, budget, study));
  }
}
