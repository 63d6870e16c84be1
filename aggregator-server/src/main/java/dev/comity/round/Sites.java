package dev.comity.round;

import static dev.comity.round.SitePhase.INVITED;
import static dev.comity.round.SitePhase.IN_DOUBT;
import static dev.comity.round.SitePhase.LOST;
import static dev.comity.round.SitePhase.PAUSED;
import static dev.comity.round.SitePhase.READY;
import static dev.comity.round.SitePhase.REFUSED;
import static dev.comity.round.SitePhase.TRAINING;

import dev.comity.plan.SiteId;
import dev.comity.round.RoundTransition.Ignored;
import dev.comity.round.RoundTransition.Moved;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// How one site moves inside a live round; the same in every live state.
///
/// | event | from | to |
/// |---|---|---|
/// | permitted | Invited, Refused, Lost | Training, or Ready where an update is stored |
/// | refused | Invited, Training, Paused, Ready, Lost, InDoubt | Refused |
/// | progressed | Invited, Refused, Training, Paused, Lost | Training |
/// | paused | Invited, Refused, Training, Paused, Lost | Paused |
/// | ready | Invited, Refused, Training, Paused, Lost, InDoubt | Ready |
/// | seen | Lost | Ready, Training or Invited, as before |
/// | silent | Invited, Training, Paused, Ready | Lost |
/// | doubt resolved | InDoubt | Invited |
final class Sites {

  private static final Set<SitePhase> SILENCEABLE = EnumSet.of(INVITED, TRAINING, PAUSED, READY);

  private Sites() {}

  /// The transition of `state` under an event about one site; `next` makes the round's state of the
  /// changed roll.
  static RoundTransition change(
      RoundState state, RoundEvent event, Function<Roll, RoundState> next) {
    var roll = state.roll();
    var site = siteOf(event);
    if (site == null || !roll.contains(site)) {
      return new Ignored(site + " is not in the cohort");
    }
    var before = roll.of(site);
    var after = standing(roll, site, before, event);
    if (after == null) {
      return new Ignored(site + " is " + before.phase());
    }
    return after.equals(before)
        ? new Ignored(site + " said nothing new")
        : new Moved(next.apply(roll.with(site, after)));
  }

  private static @Nullable SiteStanding standing(
      Roll roll, SiteId site, SiteStanding before, RoundEvent event) {
    var answerable = roll.answerable(site);
    return switch (event) {
      case RoundEvent.SitePermitted _
          when before.phase() == INVITED || before.phase() == REFUSED || before.phase() == LOST ->
          before.stored() ? before.ready(before.partial()) : before.training(before.tenths());
      case RoundEvent.SiteRefused(_, var reason)
          when answerable || before.phase() == READY || before.phase() == IN_DOUBT ->
          before.because(REFUSED, reason);
      case RoundEvent.SiteProgressed(_, var tenths) when answerable -> before.training(tenths);
      case RoundEvent.SitePaused(_, var reason, var until) when answerable ->
          before.paused(reason, until);
      case RoundEvent.SiteReady(_, var partial) when answerable || before.phase() == IN_DOUBT ->
          before.ready(partial);
      case RoundEvent.SiteSeen _ when before.phase() == LOST -> before.returned();
      case RoundEvent.SiteSilent _ when SILENCEABLE.contains(before.phase()) -> before.at(LOST);
      case RoundEvent.DoubtResolved _ when before.phase() == IN_DOUBT -> before.at(INVITED);
      case RoundEvent.SitePermitted _,
          RoundEvent.SiteRefused _,
          RoundEvent.SiteProgressed _,
          RoundEvent.SitePaused _,
          RoundEvent.SiteReady _,
          RoundEvent.SiteSeen _,
          RoundEvent.SiteSilent _,
          RoundEvent.DoubtResolved _,
          RoundEvent.SilenceLimitPassed _,
          RoundEvent.HardLimitPassed _,
          RoundEvent.SessionOpened _,
          RoundEvent.SessionExposed _,
          RoundEvent.SessionCertified _,
          RoundEvent.SessionAborted _,
          RoundEvent.SumCommitted _,
          RoundEvent.SumRejected _,
          RoundEvent.RunEnded _ ->
          null;
    };
  }

  private static @Nullable SiteId siteOf(RoundEvent event) {
    return switch (event) {
      case RoundEvent.SitePermitted(var site) -> site;
      case RoundEvent.SiteRefused(var site, _) -> site;
      case RoundEvent.SiteProgressed(var site, _) -> site;
      case RoundEvent.SitePaused(var site, _, _) -> site;
      case RoundEvent.SiteReady(var site, _) -> site;
      case RoundEvent.SiteSeen(var site) -> site;
      case RoundEvent.SiteSilent(var site) -> site;
      case RoundEvent.DoubtResolved(var site) -> site;
      case RoundEvent.SilenceLimitPassed _,
          RoundEvent.HardLimitPassed _,
          RoundEvent.SessionOpened _,
          RoundEvent.SessionExposed _,
          RoundEvent.SessionCertified _,
          RoundEvent.SessionAborted _,
          RoundEvent.SumCommitted _,
          RoundEvent.SumRejected _,
          RoundEvent.RunEnded _ ->
          null;
    };
  }
}
