package dev.comity.ledger;

import dev.comity.accounting.PrivacyBudget;
import java.util.Optional;

/// What each study may cost of the lifetime budget of a data set.
@FunctionalInterface
public interface StudyBudgets {

  /// The budget of `study`, which holds beside that of the lifetime; empty when only that one does.
  Optional<PrivacyBudget> of(String study);

  /// No study has a budget of its own.
  static StudyBudgets none() {
    return _ -> Optional.empty();
  }
}
