package dev.comity.agent.participation;

import dev.comity.accounting.PrivacyBudget;
import dev.comity.agent.data.DataRefusedException;
import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.SiteMapping;

/// How the δ of a site's budget compares with what is suggested for its data: at most 1e-5, and at
/// most 1/(10·N) for the N records that it trains on. A larger one lets a training give away whole
/// records, a few in the lifetime of the data, and still be called private (Dwork and Roth 2014,
/// section 2.3). It is advice to the operator and never leaves the site.
public enum DeltaAdvice {
  /// δ is as suggested.
  FITS,
  /// δ is larger.
  TOO_LARGE,
  /// The data cannot be read just now.
  UNKNOWN;

  private static final double LARGEST = 1e-5;
  private static final double SHARE_OF_A_RECORD = 0.1;

  /// For so many records.
  static DeltaAdvice of(PrivacyBudget budget, long records) {
    return budget.delta() <= Math.min(LARGEST, SHARE_OF_A_RECORD / records) ? FITS : TOO_LARGE;
  }

  /// Reads policy and data of a site.
  ///
  /// @throws RefusedSettings when the site's settings or policy cannot be used
  public static DeltaAdvice read(SiteDirectory directory) {
    AgentSettings settings = AgentSettings.read(directory);
    PrivacyBudget budget = PolicyFile.read(directory.policy()).privacy().budget();
    try {
      return of(budget, LocalDataset.read(SiteMapping.read(settings.mapping())).train().count());
    } catch (DataRefusedException _) {
      return UNKNOWN;
    }
  }
}
