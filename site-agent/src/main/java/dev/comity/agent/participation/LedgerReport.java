package dev.comity.agent.participation;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.accounting.PrivacyBudget;
import dev.comity.ledger.LedgerVerifier;
import dev.comity.plan.SiteId;
import dev.comity.storage.Storage;
import java.io.IOException;

/// What a site's privacy ledger says, checked entry by entry, beside the budget of its policy.
public record LedgerReport(SiteId site, PrivacyBudget budget, LedgerVerifier.Statement statement) {

  /// Reads files alone: the agent may run or not.
  ///
  /// @throws dev.comity.ledger.DamagedLedgerException naming the first entry that does not hold
  /// @throws RefusedSettings when the site's settings or policy cannot be used
  public static LedgerReport read(SiteDirectory directory) throws IOException {
    AgentSettings settings = AgentSettings.read(directory);
    PrivacyBudget budget = PolicyFile.read(directory.policy()).privacy().budget();
    return new LedgerReport(
        settings.site(),
        budget,
        LedgerVerifier.verify(
            Storage.ofFiles(),
            directory.privacyLedger(),
            PrivacyAccountant.deciding(),
            budget.delta()));
  }
}
