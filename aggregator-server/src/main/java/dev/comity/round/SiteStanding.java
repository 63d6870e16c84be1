package dev.comity.round;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// One site's standing in one round. `tenths` (0 to 10) is all that is known of its progress;
/// `stored` says that it holds a finished update; `reason` and `expectedAt` are the site's own
/// words for a refusal or a pause.
public record SiteStanding(
    SitePhase phase,
    boolean permitted,
    boolean stored,
    boolean partial,
    int tenths,
    @Nullable String reason,
    @Nullable Instant expectedAt) {

  public SiteStanding {
    if (tenths < 0 || tenths > 10) {
      throw new IllegalArgumentException("progress " + tenths + " tenths: must be in [0, 10]");
    }
  }

  /// A site that was offered the plan and has not answered.
  public static SiteStanding invited() {
    return new SiteStanding(SitePhase.INVITED, false, false, false, 0, null, null);
  }

  /// A site kept out until an earlier session's end is proven.
  public static SiteStanding inDoubt() {
    return invited().at(SitePhase.IN_DOUBT);
  }

  SiteStanding at(SitePhase next) {
    return new SiteStanding(next, permitted, stored, partial, tenths, null, null);
  }

  SiteStanding because(SitePhase next, @Nullable String why) {
    return new SiteStanding(next, permitted, stored, partial, tenths, why, null);
  }

  SiteStanding training(int progress) {
    return new SiteStanding(SitePhase.TRAINING, true, false, false, progress, null, null);
  }

  SiteStanding paused(String why, @Nullable Instant until) {
    return new SiteStanding(SitePhase.PAUSED, true, false, false, tenths, why, until);
  }

  SiteStanding ready(boolean early) {
    return new SiteStanding(SitePhase.READY, true, true, early, 10, null, null);
  }

  /// Where a lost site goes on when it is heard again.
  SiteStanding returned() {
    if (stored) {
      return at(SitePhase.READY);
    }
    return at(permitted ? SitePhase.TRAINING : SitePhase.INVITED);
  }
}
