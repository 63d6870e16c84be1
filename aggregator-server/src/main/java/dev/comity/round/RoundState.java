package dev.comity.round;

import static dev.comity.round.SitePhase.DROPPED;
import static dev.comity.round.SitePhase.IN_DOUBT;
import static dev.comity.round.SitePhase.IN_SESSION;
import static dev.comity.round.SitePhase.LATE;
import static dev.comity.round.SitePhase.PAUSED;
import static dev.comity.round.SitePhase.READY;
import static dev.comity.round.SitePhase.REFUSED;
import static dev.comity.round.SitePhase.SUMMED;
import static dev.comity.round.SitePhase.TRAINING;
import static dev.comity.round.SitePhase.UNUSED;

import dev.comity.round.RoundTransition.Ignored;
import dev.comity.round.RoundTransition.Moved;

/// Where a round stands. Pure: a state and an event make the next state, and the engine writes both
/// down.
///
/// ```
/// Recruiting ── minReady permitted ──► Training ── all heard permitted sites ready, or ──► Aggregating ── sum ──► Committed
///     │                                   │        silence limit with minReady ready          │  ▲
///     │                                   │                                                    └──┘ session aborted with proof
///     └── hard limit, hopeless, run ended ┴──────────────────────► Abandoned ◄── hard limit (never once certified),
///                                                                                 sum rejected, run ended
/// ```
public sealed interface RoundState {

  /// How far the present session of an aggregating round has bound its sites.
  enum SessionStage {
    /// No session is under way.
    NONE,
    /// A session exchanges keys and shares; it can end without votes.
    OPEN,
    /// Masked vectors may have been sent; only a certificate settles the end.
    EXPOSED,
    /// A COMMIT certificate exists; the round can only commit, or fail at the sum.
    CERTIFIED
  }

  Roll roll();

  RoundTransition on(RoundEvent event);

  /// Waiting for `minReady` sites whose policy permits the plan. Those that permit it train at
  /// once.
  record Recruiting(Roll roll) implements RoundState {
    @Override
    public RoundTransition on(RoundEvent event) {
      return switch (event) {
        case RoundEvent.SilenceLimitPassed _ ->
            new Ignored("recruiting waits until the hard limit");
        case RoundEvent.HardLimitPassed _ ->
            new Moved(
                abandon(
                    roll,
                    "hard limit: "
                        + roll.permitted()
                        + " of "
                        + roll.minReady()
                        + " needed sites permitted the plan"));
        case RoundEvent.RunEnded(var reason) -> new Moved(abandon(roll, reason));
        case RoundEvent.SitePermitted _,
            RoundEvent.SiteRefused _,
            RoundEvent.SiteProgressed _,
            RoundEvent.SitePaused _,
            RoundEvent.SiteReady _,
            RoundEvent.SiteSeen _,
            RoundEvent.SiteSilent _,
            RoundEvent.DoubtResolved _ ->
            Sites.change(this, event, RoundState::recruited);
        case RoundEvent.SessionOpened _,
            RoundEvent.SessionExposed _,
            RoundEvent.SessionCertified _,
            RoundEvent.SessionAborted _,
            RoundEvent.SumCommitted _,
            RoundEvent.SumRejected _ ->
            new Ignored("a recruiting round has no session");
      };
    }
  }

  /// Enough sites permitted the plan; waiting for their updates.
  record Training(Roll roll) implements RoundState {
    @Override
    public RoundTransition on(RoundEvent event) {
      return switch (event) {
        case RoundEvent.SilenceLimitPassed _ when roll.ready() >= roll.minReady() ->
            new Moved(new Aggregating(roll, SessionStage.NONE));
        case RoundEvent.SilenceLimitPassed _ ->
            new Ignored(
                roll.ready() + " of " + roll.minReady() + " needed sites are ready and online");
        case RoundEvent.HardLimitPassed _ ->
            new Moved(
                abandon(
                    roll,
                    "hard limit: "
                        + roll.ready()
                        + " of "
                        + roll.minReady()
                        + " needed sites are ready and online"));
        case RoundEvent.RunEnded(var reason) -> new Moved(abandon(roll, reason));
        case RoundEvent.SitePermitted _,
            RoundEvent.SiteRefused _,
            RoundEvent.SiteProgressed _,
            RoundEvent.SitePaused _,
            RoundEvent.SiteReady _,
            RoundEvent.SiteSeen _,
            RoundEvent.SiteSilent _,
            RoundEvent.DoubtResolved _ ->
            Sites.change(this, event, RoundState::trained);
        case RoundEvent.SessionOpened _,
            RoundEvent.SessionExposed _,
            RoundEvent.SessionCertified _,
            RoundEvent.SessionAborted _,
            RoundEvent.SumCommitted _,
            RoundEvent.SumRejected _ ->
            new Ignored("a training round has no session");
      };
    }
  }

  /// Sessions over the ready sites follow one another until one of them is certified.
  record Aggregating(Roll roll, SessionStage stage) implements RoundState {
    @Override
    public RoundTransition on(RoundEvent event) {
      return switch (event) {
        case RoundEvent.SessionOpened(var roster) when stage == SessionStage.NONE -> {
          var joined = roll;
          for (var site : roster) {
            joined = joined.with(site, roll.of(site).at(IN_SESSION));
          }
          yield new Moved(new Aggregating(joined, SessionStage.OPEN));
        }
        case RoundEvent.SessionOpened _ -> new Ignored("a session is under way already");
        case RoundEvent.SessionExposed _ when stage == SessionStage.OPEN ->
            new Moved(new Aggregating(roll, SessionStage.EXPOSED));
        case RoundEvent.SessionExposed _ -> new Ignored("no session waits for its first vector");
        case RoundEvent.SessionCertified(var survivors) when stage == SessionStage.EXPOSED -> {
          var certified = roll;
          for (var site : roll.in(IN_SESSION)) {
            if (!survivors.contains(site)) {
              certified = certified.with(site, roll.of(site).at(DROPPED));
            }
          }
          yield new Moved(new Aggregating(certified, SessionStage.CERTIFIED));
        }
        case RoundEvent.SessionCertified _ -> new Ignored("no session waits for votes");
        case RoundEvent.SessionAborted _
            when stage == SessionStage.OPEN || stage == SessionStage.EXPOSED ->
            new Moved(
                new Aggregating(
                    roll.each(IN_SESSION, standing -> standing.at(READY)), SessionStage.NONE));
        case RoundEvent.SessionAborted _ -> new Ignored("no session can abort");
        case RoundEvent.SumCommitted _ when stage == SessionStage.CERTIFIED ->
            new Moved(new Committed(committed(roll)));
        case RoundEvent.SumCommitted _ -> new Ignored("no certified sum is awaited");
        case RoundEvent.SumRejected(var reason) when stage == SessionStage.CERTIFIED ->
            new Moved(
                abandon(
                    roll.each(IN_SESSION, standing -> standing.because(SUMMED, reason)), reason));
        case RoundEvent.SumRejected _ -> new Ignored("no certified sum is awaited");
        case RoundEvent.SilenceLimitPassed _ -> new Ignored("sessions have limits of their own");
        case RoundEvent.HardLimitPassed _ when stage == SessionStage.CERTIFIED ->
            new Ignored("a COMMIT certificate exists");
        case RoundEvent.HardLimitPassed _ ->
            new Moved(abandon(leftBehind(), "hard limit: no session was certified in time"));
        case RoundEvent.RunEnded(var reason) -> new Moved(abandon(leftBehind(), reason));
        case RoundEvent.SitePermitted _,
            RoundEvent.SiteRefused _,
            RoundEvent.SiteProgressed _,
            RoundEvent.SitePaused _,
            RoundEvent.SiteReady _,
            RoundEvent.SiteSeen _,
            RoundEvent.SiteSilent _,
            RoundEvent.DoubtResolved _ ->
            Sites.change(this, event, changed -> afterSiteChange(changed));
      };
    }

    private RoundState afterSiteChange(Roll changed) {
      return stage == SessionStage.NONE && changed.hopeless()
          ? abandon(changed, hopeless(changed))
          : new Aggregating(changed, stage);
    }

    private Roll leftBehind() {
      return switch (stage) {
        case NONE, OPEN -> roll.each(IN_SESSION, standing -> standing.at(READY));
        case EXPOSED -> roll.each(IN_SESSION, standing -> standing.at(IN_DOUBT));
        case CERTIFIED ->
            roll.each(
                IN_SESSION,
                standing ->
                    standing.because(SUMMED, "certified, and the run ended before the sum"));
      };
    }

    private static Roll committed(Roll roll) {
      return roll.each(IN_SESSION, standing -> standing.at(SUMMED))
          .each(READY, standing -> standing.at(LATE))
          .each(TRAINING, standing -> standing.at(LATE))
          .each(PAUSED, standing -> standing.at(LATE));
    }
  }

  /// The sum is part of the run's result.
  record Committed(Roll roll) implements RoundState {
    @Override
    public RoundTransition on(RoundEvent event) {
      return new Ignored("the round is committed");
    }
  }

  /// The round ended without a result. A session that it left behind still resolves the sites in
  /// doubt.
  record Abandoned(Roll roll, String reason) implements RoundState {
    @Override
    public RoundTransition on(RoundEvent event) {
      return switch (event) {
        case RoundEvent.SessionAborted _ when !roll.in(IN_DOUBT).isEmpty() ->
            new Moved(new Abandoned(roll.each(IN_DOUBT, standing -> standing.at(UNUSED)), reason));
        case RoundEvent.SessionCertified(var survivors) when !roll.in(IN_DOUBT).isEmpty() -> {
          var settled = roll;
          for (var site : roll.in(IN_DOUBT)) {
            settled =
                settled.with(
                    site,
                    roll.of(site)
                        .because(
                            survivors.contains(site) ? SUMMED : DROPPED,
                            "certified after the round had ended"));
          }
          yield new Moved(new Abandoned(settled, reason));
        }
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
            new Ignored("the round is abandoned");
      };
    }
  }

  private static RoundState recruited(Roll roll) {
    if (roll.hopeless()) {
      return abandon(roll, hopeless(roll));
    }
    return roll.permitted() >= roll.minReady() ? trained(roll) : new Recruiting(roll);
  }

  private static RoundState trained(Roll roll) {
    if (roll.hopeless()) {
      return abandon(roll, hopeless(roll));
    }
    return roll.complete() ? new Aggregating(roll, SessionStage.NONE) : new Training(roll);
  }

  private static String hopeless(Roll roll) {
    return roll.in(REFUSED).size()
        + " of "
        + roll.sites().size()
        + " sites refused, and a session needs "
        + roll.minReady();
  }

  private static Abandoned abandon(Roll roll, String reason) {
    return new Abandoned(roll.each(READY, standing -> standing.at(UNUSED)), reason);
  }
}
