package dev.comity.run;

import dev.comity.plan.SiteId;

/// Sites that burned a session by the shares they dealt, and are in no roster until somebody who
/// knows the cause lifts that.
public interface Suspensions {

  /// Takes the site into rosters again. What happened stays on record, with who lifted it and why.
  ///
  /// @param account who lifts it
  /// @param because 1 to 200 characters, for people
  /// @return false when the site is not suspended
  boolean lift(SiteId site, String account, String because);
}
