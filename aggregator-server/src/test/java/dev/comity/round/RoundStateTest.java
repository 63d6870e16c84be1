package dev.comity.round;

import static dev.comity.round.SitePhase.DROPPED;
import static dev.comity.round.SitePhase.INVITED;
import static dev.comity.round.SitePhase.IN_DOUBT;
import static dev.comity.round.SitePhase.IN_SESSION;
import static dev.comity.round.SitePhase.LATE;
import static dev.comity.round.SitePhase.LOST;
import static dev.comity.round.SitePhase.PAUSED;
import static dev.comity.round.SitePhase.READY;
import static dev.comity.round.SitePhase.REFUSED;
import static dev.comity.round.SitePhase.SUMMED;
import static dev.comity.round.SitePhase.TRAINING;
import static dev.comity.round.SitePhase.UNUSED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.SiteId;
import dev.comity.round.RoundState.SessionStage;
import dev.comity.round.RoundTransition.Ignored;
import dev.comity.round.RoundTransition.Moved;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RoundStateTest {

  private static final SiteId A = new SiteId("a");
  private static final SiteId B = new SiteId("b");
  private static final SiteId C = new SiteId("c");
  private static final SiteId D = new SiteId("d");
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  private static RoundState recruiting(int minReady, SiteId... cohort) {
    var sites = new LinkedHashMap<SiteId, SiteStanding>();
    for (var site : cohort) {
      sites.put(site, SiteStanding.invited());
    }
    return new RoundState.Recruiting(new Roll(minReady, sites));
  }

  private static RoundState after(RoundState state, RoundEvent... events) {
    var next = state;
    for (var event : events) {
      next =
          switch (next.on(event)) {
            case Moved(var moved) -> moved;
            case Ignored(var detail) -> throw new AssertionError(event + " was ignored: " + detail);
          };
    }
    return next;
  }

  private static RoundEvent permitted(SiteId site) {
    return new RoundEvent.SitePermitted(site);
  }

  private static RoundEvent ready(SiteId site) {
    return new RoundEvent.SiteReady(site, false);
  }

  private static RoundState aggregating() {
    return after(
        recruiting(2, A, B, C, D),
        permitted(A),
        permitted(B),
        permitted(C),
        ready(A),
        ready(B),
        ready(C));
  }

  private static RoundState certified() {
    return after(
        aggregating(),
        new RoundEvent.SessionOpened(Set.of(A, B, C)),
        new RoundEvent.SessionExposed(),
        new RoundEvent.SessionCertified(Set.of(A, B)));
  }

  private static SitePhase phase(RoundState state, SiteId site) {
    return state.roll().of(site).phase();
  }

  @Test
  void trainingBeginsWhenMinReadySitesPermit() {
    var one = after(recruiting(2, A, B, C), permitted(A));

    var two = after(one, permitted(B));

    assertThat(one).isInstanceOf(RoundState.Recruiting.class);
    assertThat(phase(one, A)).isEqualTo(TRAINING);
    assertThat(two).isInstanceOf(RoundState.Training.class);
    assertThat(phase(two, C)).isEqualTo(INVITED);
  }

  @Test
  void aggregatingBeginsWhenEveryPermittedSiteThatIsNotLostIsReady() {
    var training = after(recruiting(2, A, B, C, D), permitted(A), permitted(B), permitted(C));

    var waiting = after(training, ready(A), ready(B));
    var lost = after(waiting, new RoundEvent.SiteSilent(C));

    assertThat(waiting).isInstanceOf(RoundState.Training.class);
    assertThat(lost).isInstanceOf(RoundState.Aggregating.class);
    assertThat(after(waiting, ready(C))).isInstanceOf(RoundState.Aggregating.class);
  }

  @Test
  void theSilenceLimitOpensTheSessionWithMinReadyReadySitesAndNotWithFewer() {
    var training = after(recruiting(2, A, B, C), permitted(A), permitted(B), permitted(C));
    var limit = new RoundEvent.SilenceLimitPassed();

    var one = after(training, ready(A));
    var two = after(one, ready(B));

    assertThat(one.on(limit)).isInstanceOf(Ignored.class);
    assertThat(after(two, limit)).isInstanceOf(RoundState.Aggregating.class);
    assertThat(recruiting(2, A, B).on(limit)).isInstanceOf(Ignored.class);
    assertThat(aggregating().on(limit)).isInstanceOf(Ignored.class);
  }

  @Test
  void theHardLimitAbandonsEveryLiveStateButNeverACertifiedOne() {
    var limit = new RoundEvent.HardLimitPassed();
    var training = after(recruiting(2, A, B, C), permitted(A), permitted(B), ready(A));

    assertThat(after(recruiting(2, A, B), limit)).isInstanceOf(RoundState.Abandoned.class);
    assertThat(phase(after(training, limit), A)).isEqualTo(UNUSED);
    assertThat(after(aggregating(), limit)).isInstanceOf(RoundState.Abandoned.class);
    assertThat(certified().on(limit)).isInstanceOf(Ignored.class);
  }

  @Test
  void soManyRefusalsThatNoSessionIsPossibleAbandonTheRound() {
    var refused =
        after(
            recruiting(2, A, B, C),
            new RoundEvent.SiteRefused(A, "architecture not allowed"),
            new RoundEvent.SiteRefused(B, "diverged"));

    assertThat(refused)
        .isInstanceOfSatisfying(
            RoundState.Abandoned.class,
            abandoned ->
                assertThat(abandoned.reason())
                    .isEqualTo("2 of 3 sites refused, and a session needs 2"));
    assertThat(refused.roll().of(A).reason()).isEqualTo("architecture not allowed");
  }

  @Test
  void refusalsWhileTrainingAndBetweenSessionsAbandonTheRoundToo() {
    var training = after(recruiting(2, A, B, C), permitted(A), permitted(B), permitted(C));
    var between = after(training, ready(A), ready(B), ready(C));

    for (var state : List.of(training, between)) {
      var left = after(state, new RoundEvent.SiteRefused(A, "diverged"));
      assertThat(left).isNotInstanceOf(RoundState.Abandoned.class);
      assertThat(after(left, new RoundEvent.SiteRefused(B, "diverged")))
          .isInstanceOf(RoundState.Abandoned.class);
    }
  }

  @Test
  void anAbortedSessionMakesItsRosterReadyAgainAndLateSitesJoinTheNext() {
    var opened = after(aggregating(), new RoundEvent.SessionOpened(Set.of(A, B)));

    var late = after(opened, permitted(D), ready(D));
    var aborted = after(late, new RoundEvent.SessionAborted("too few keys"));
    var next = after(aborted, new RoundEvent.SessionOpened(Set.of(A, B, C, D)));

    assertThat(phase(opened, A)).isEqualTo(IN_SESSION);
    assertThat(phase(aborted, A)).isEqualTo(READY);
    assertThat(aborted).isInstanceOf(RoundState.Aggregating.class);
    assertThat(phase(next, D)).isEqualTo(IN_SESSION);
  }

  @Test
  void onlyOneSessionIsUnderWay() {
    var opened = after(aggregating(), new RoundEvent.SessionOpened(Set.of(A, B, C)));

    assertThat(opened.on(new RoundEvent.SessionOpened(Set.of(A, B)))).isInstanceOf(Ignored.class);
  }

  @Test
  void theCertifiedSitesAreSummedAtCommitAndTheOthersDroppedOrLate() {
    var certified = certified();
    var late = after(certified, permitted(D), ready(D));

    var committed = after(late, new RoundEvent.SumCommitted());

    assertThat(phase(certified, C)).isEqualTo(DROPPED);
    assertThat(committed).isInstanceOf(RoundState.Committed.class);
    assertThat(committed.roll().in(SUMMED)).containsExactlyInAnyOrder(A, B);
    assertThat(phase(committed, C)).isEqualTo(DROPPED);
    assertThat(phase(committed, D)).isEqualTo(LATE);
  }

  @Test
  void aSiteStillTrainingOrPausedAtCommitIsLate() {
    var training = after(certified(), permitted(D));
    var paused = after(training, new RoundEvent.SitePaused(D, "no power", null));

    for (var state : List.of(training, paused)) {
      assertThat(phase(after(state, new RoundEvent.SumCommitted()), D)).isEqualTo(LATE);
    }
  }

  @Test
  void aRejectedSumAbandonsTheRoundAndItsUpdatesStaySpent() {
    var rejected = after(certified(), new RoundEvent.SumRejected("zero coordinate 3 is not 0"));

    assertThat(rejected).isInstanceOf(RoundState.Abandoned.class);
    assertThat(phase(rejected, A)).isEqualTo(SUMMED);
  }

  @Test
  void sitesThatMayHaveSentAVectorAreInDoubtUntilTheAbortIsProven() {
    var exposed =
        after(
            aggregating(),
            new RoundEvent.SessionOpened(Set.of(A, B)),
            new RoundEvent.SessionExposed());

    var abandoned = after(exposed, new RoundEvent.HardLimitPassed());
    var proven = after(abandoned, new RoundEvent.SessionAborted("hard limit"));

    assertThat(phase(abandoned, A)).isEqualTo(IN_DOUBT);
    assertThat(phase(abandoned, C)).isEqualTo(UNUSED);
    assertThat(proven.roll().in(UNUSED)).containsExactlyInAnyOrder(A, B, C);
    assertThat(proven.on(new RoundEvent.SessionAborted("again"))).isInstanceOf(Ignored.class);
  }

  @Test
  void aCertificateAfterTheEndOfTheRoundSettlesTheDoubt() {
    var abandoned =
        after(
            aggregating(),
            new RoundEvent.SessionOpened(Set.of(A, B)),
            new RoundEvent.SessionExposed(),
            new RoundEvent.HardLimitPassed());

    var settled = after(abandoned, new RoundEvent.SessionCertified(Set.of(A)));

    assertThat(phase(settled, A)).isEqualTo(SUMMED);
    assertThat(phase(settled, B)).isEqualTo(DROPPED);
  }

  @Test
  void sitesOfASessionThatExchangedKeysOnlyAreUnusedAtTheHardLimit() {
    var opened = after(aggregating(), new RoundEvent.SessionOpened(Set.of(A, B)));

    assertThat(phase(after(opened, new RoundEvent.HardLimitPassed()), A)).isEqualTo(UNUSED);
  }

  @Test
  void theEndOfTheRunAbandonsEveryLiveStateEvenACertifiedOne() {
    var ended = new RoundEvent.RunEnded("the run was cancelled by ada");
    var training = after(recruiting(2, A, B), permitted(A), permitted(B));

    for (var state : List.of(recruiting(2, A, B), training, aggregating(), certified())) {
      assertThat(after(state, ended))
          .isInstanceOfSatisfying(
              RoundState.Abandoned.class,
              abandoned ->
                  assertThat(abandoned.reason()).isEqualTo("the run was cancelled by ada"));
    }
    assertThat(phase(after(certified(), ended), A)).isEqualTo(SUMMED);
  }

  @Test
  void aLostSiteReturnsToWhereItWas() {
    var lost = new RoundEvent.SiteSilent(A);
    var seen = new RoundEvent.SiteSeen(A);
    var training = after(recruiting(3, A, B, C), permitted(A));

    assertThat(phase(after(recruiting(2, A, B), lost, seen), A)).isEqualTo(INVITED);
    assertThat(phase(after(training, lost), A)).isEqualTo(LOST);
    assertThat(phase(after(training, lost, seen), A)).isEqualTo(TRAINING);
    assertThat(phase(after(training, ready(A), lost, seen), A)).isEqualTo(READY);
    assertThat(phase(after(training, ready(A), lost, permitted(A)), A)).isEqualTo(READY);
  }

  @Test
  void aReadySiteThatIsLostIsNotCountedAsReady() {
    var training =
        after(recruiting(2, A, B, C), permitted(A), permitted(B), permitted(C), ready(A), ready(B));

    var lost = after(training, new RoundEvent.SiteSilent(B));

    assertThat(lost.on(new RoundEvent.SilenceLimitPassed())).isInstanceOf(Ignored.class);
  }

  @Test
  void aPauseKeepsReasonAndExpectedEndAndProgressEndsIt() {
    var pause = new RoundEvent.SitePaused(A, "no power", NOON);

    var paused = after(recruiting(2, A, B), permitted(A), pause);
    var resumed = after(paused, new RoundEvent.SiteProgressed(A, 4));

    assertThat(paused.roll().of(A).phase()).isEqualTo(PAUSED);
    assertThat(paused.roll().of(A).reason()).isEqualTo("no power");
    assertThat(paused.roll().of(A).expectedAt()).isEqualTo(NOON);
    assertThat(resumed.roll().of(A))
        .isEqualTo(new SiteStanding(TRAINING, true, false, false, 4, null, null));
  }

  @Test
  void aDoubtfulSiteIsInvitedOnceItsSessionIsProven() {
    var sites = Map.of(A, SiteStanding.inDoubt(), B, SiteStanding.invited());
    var state = new RoundState.Recruiting(new Roll(1, sites));

    assertThat(state.on(permitted(A))).isInstanceOf(Ignored.class);
    assertThat(phase(after(state, new RoundEvent.DoubtResolved(A)), A)).isEqualTo(INVITED);
  }

  @Test
  void aSiteOutsideTheCohortChangesNothing() {
    assertThat(recruiting(1, A).on(permitted(B))).isInstanceOf(Ignored.class);
  }

  @Test
  void oneSitesEventsMoveItExactlyAsTheTableSays() {
    var live = List.of(INVITED, REFUSED, TRAINING, PAUSED, LOST);
    record Row(RoundEvent event, List<SitePhase> moves) {}
    var doubtful = new ArrayList<>(live);
    doubtful.add(IN_DOUBT);
    var table =
        List.of(
            new Row(permitted(A), List.of(INVITED, REFUSED, LOST)),
            new Row(
                new RoundEvent.SiteRefused(A, "diverged"),
                List.of(INVITED, REFUSED, TRAINING, PAUSED, READY, LOST, IN_DOUBT)),
            new Row(new RoundEvent.SiteProgressed(A, 5), live),
            new Row(new RoundEvent.SitePaused(A, "too hot", null), live),
            new Row(ready(A), doubtful),
            new Row(new RoundEvent.SiteSeen(A), List.of(LOST)),
            new Row(new RoundEvent.SiteSilent(A), List.of(INVITED, TRAINING, PAUSED, READY)),
            new Row(new RoundEvent.DoubtResolved(A), List.of(IN_DOUBT)));

    for (var row : table) {
      for (var phase : SitePhase.values()) {
        var standing = new SiteStanding(phase, true, false, false, 3, null, null);
        var sites = Map.of(A, standing, B, SiteStanding.invited(), C, SiteStanding.invited());
        var states =
            List.of(
                new RoundState.Recruiting(new Roll(2, sites)),
                new RoundState.Training(new Roll(2, sites)),
                new RoundState.Aggregating(new Roll(2, sites), SessionStage.NONE),
                new RoundState.Aggregating(new Roll(2, sites), SessionStage.OPEN),
                new RoundState.Aggregating(new Roll(2, sites), SessionStage.EXPOSED),
                new RoundState.Aggregating(new Roll(2, sites), SessionStage.CERTIFIED));
        for (var state : states) {
          assertThat(state.on(row.event()))
              .as("%s on %s in %s", row.event(), phase, state)
              .isInstanceOf(row.moves().contains(phase) ? Moved.class : Ignored.class);
        }
      }
    }
  }

  @Test
  void sessionEventsOutOfTheirStageAreIgnored() {
    var training = after(recruiting(2, A, B), permitted(A), permitted(B));
    var opened = after(aggregating(), new RoundEvent.SessionOpened(Set.of(A, B)));
    var exposed = after(opened, new RoundEvent.SessionExposed());
    var events =
        List.of(
            new RoundEvent.SessionOpened(Set.of(A, B)),
            new RoundEvent.SessionExposed(),
            new RoundEvent.SessionCertified(Set.of(A, B)),
            new RoundEvent.SessionAborted("too few keys"),
            new RoundEvent.SumCommitted(),
            new RoundEvent.SumRejected("wrong count"));
    record Stage(RoundState state, List<Integer> moves) {}
    var table =
        List.of(
            new Stage(recruiting(2, A, B), List.of()),
            new Stage(training, List.of()),
            new Stage(aggregating(), List.of(0)),
            new Stage(opened, List.of(1, 3)),
            new Stage(exposed, List.of(2, 3)),
            new Stage(certified(), List.of(4, 5)));

    for (var row : table) {
      for (var index = 0; index < events.size(); index++) {
        assertThat(row.state().on(events.get(index)))
            .as("%s in %s", events.get(index), row.state())
            .isInstanceOf(row.moves().contains(index) ? Moved.class : Ignored.class);
      }
    }
  }

  @Test
  void anEndedRoundIgnoresEveryReport() {
    var committed = after(certified(), new RoundEvent.SumCommitted());
    var abandoned = after(recruiting(2, A, B), new RoundEvent.HardLimitPassed());

    for (var state : List.of(committed, abandoned)) {
      for (var event :
          List.of(
              permitted(A),
              ready(A),
              new RoundEvent.SiteRefused(A, "late"),
              new RoundEvent.SiteProgressed(A, 1),
              new RoundEvent.SitePaused(A, "no power", null),
              new RoundEvent.SiteSeen(A),
              new RoundEvent.SiteSilent(A),
              new RoundEvent.DoubtResolved(A),
              new RoundEvent.SilenceLimitPassed(),
              new RoundEvent.HardLimitPassed(),
              new RoundEvent.SessionOpened(Set.of(A, B)),
              new RoundEvent.SessionExposed(),
              new RoundEvent.SessionCertified(Set.of(A)),
              new RoundEvent.SessionAborted("late"),
              new RoundEvent.SumCommitted(),
              new RoundEvent.SumRejected("late"),
              new RoundEvent.RunEnded("late"))) {
        assertThat(state.on(event)).isInstanceOf(Ignored.class);
      }
    }
  }
}
