package dev.comity.ledger;

import dev.comity.accounting.PrivacyBudget;
import dev.comity.accounting.PrivacyLoss;
import java.util.Optional;

/// Whether an update may be trained.
public sealed interface Reservation {

  /// Its cost is reserved.
  record Reserved() implements Reservation {}

  /// With it, all that was spent and reserved would come to `loss`; nothing was entered.
  ///
  /// @param study whose budget it is; empty for that of the lifetime
  record OverBudget(PrivacyLoss loss, PrivacyBudget budget, Optional<String> study)
      implements Reservation {}
}
