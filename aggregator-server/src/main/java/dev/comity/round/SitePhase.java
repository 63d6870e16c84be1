package dev.comity.round;

/// Where a site stands in a round. The same names are used in SQL and on the dashboard.
public enum SitePhase {
  /// The plan was offered; no answer yet.
  INVITED,
  /// The site's policy refused the plan, or the site could not train, for a reason that it gave.
  REFUSED,
  /// The site trains.
  TRAINING,
  /// The site's resource gate is closed.
  PAUSED,
  /// The site holds a finished update and waits for a session.
  READY,
  /// The site stands in the roster of the present session.
  IN_SESSION,
  /// The site's update is in the committed sum.
  SUMMED,
  /// The site was in the roster and is outside the certified set.
  DROPPED,
  /// The site may have sent a masked vector to a session whose end is not proven yet.
  IN_DOUBT,
  /// The site's update came after the last roster froze and is of no use any more.
  LATE,
  /// The site was ready and the round was abandoned; it keeps its update.
  UNUSED,
  /// Nothing was heard from the site for longer than the silence limit; it returns on its next
  /// call.
  LOST
}
