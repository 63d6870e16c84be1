package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.MalformedException;
import dev.comity.plan.Architecture;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApprovalsTest {
  private static final Instant NOW = Instant.parse("2026-11-25T08:00:00Z");
  private static final RoundPlan PLAN = TestPlans.plain(RunKind.TRAIN, 5);
  private static final RoundPlan OTHER = TestPlans.withPurpose(PLAN, "another");
  private static final Approvals.Standing GRANTED = new Approvals.Standing.Granted("nadia", NOW);

  @TempDir Path folder;

  private Approvals approvals() {
    return Approvals.of(new SiteDirectory(folder));
  }

  @Test
  void whatWasAskedWaitsUntilItIsDecidedAlsoForANewProcess() {
    approvals().ask(PLAN, List.of("a", "b", "y"), NOW);
    approvals().ask(PLAN, List.of("other"), NOW.plusSeconds(1));

    assertThat(approvals().all())
        .singleElement()
        .satisfies(request -> {
          assertThat(request.plan()).isEqualTo(PLAN);
          assertThat(request.columns()).containsExactly("a", "b", "y");
          assertThat(request.askedAt()).isEqualTo(NOW);
          assertThat(request.standing()).isEqualTo(new Approvals.Standing.Waits());
        });

    approvals().decide(TestAggregator.RUN, GRANTED);

    assertThat(approvals().standing(PLAN)).isEqualTo(GRANTED);
  }

  @Test
  void anApprovalIsForTheRunAndNotForOneRoundOrCohort() {
    approvals().ask(PLAN, List.of(), NOW);
    approvals().decide(TestAggregator.RUN, GRANTED);

    assertThat(approvals().standing(TestPlans.plain(RunKind.EVALUATE, 7))).isEqualTo(GRANTED);
  }

  @Test
  void aPlanThatChangedAsksAgain() {
    approvals().ask(PLAN, List.of(), NOW);
    approvals().decide(TestAggregator.RUN, GRANTED);

    for (RoundPlan changed :
        List.of(
            TestPlans.withPurpose(PLAN, "another"),
            TestPlans.recordLevel(PLAN, 1.2),
            TestPlans.distributed(PLAN, 1, 32),
            TestPlans.withoutCollusion(PLAN),
            TestPlans.withArchitecture(PLAN, Architecture.parse("mlp(2,4,1)")))) {
      assertThat(approvals().standing(changed)).isEqualTo(new Approvals.Standing.Waits());
    }
    RoundPlan noisy = TestPlans.recordLevel(PLAN, 1.2);
    approvals().ask(noisy, List.of(), NOW);
    approvals().decide(TestAggregator.RUN, GRANTED);
    assertThat(approvals().standing(TestPlans.recordLevel(PLAN, 1.1)))
        .isEqualTo(new Approvals.Standing.Waits());
    assertThat(approvals().standing(TestPlans.twoHonest(noisy)))
        .isEqualTo(new Approvals.Standing.Waits());
  }

  @Test
  void aDenialMayBeTurnedIntoAGrantAndBack() {
    var denied = new Approvals.Standing.Denied("nadia", NOW, Optional.of("not now"), false);
    approvals().ask(PLAN, List.of(), NOW);

    approvals().decide(TestAggregator.RUN, denied);
    assertThat(approvals().standing(PLAN)).isEqualTo(denied);
    approvals().decide(Approvals.subject(PLAN).hex(), GRANTED);
    assertThat(approvals().standing(PLAN)).isEqualTo(GRANTED);
    approvals().decide(Approvals.subject(PLAN).abbreviated(), denied);
    assertThat(approvals().standing(PLAN)).isEqualTo(denied);
  }

  @Test
  void aGrantOfTheRunLeavesWhatWasDenied() {
    var denied = new Approvals.Standing.Denied("nadia", NOW, Optional.of("not now"), false);
    approvals().ask(PLAN, List.of(), NOW);
    approvals().decide(TestAggregator.RUN, denied);
    approvals().ask(OTHER, List.of(), NOW.plusSeconds(1));

    Approvals.Request decided = approvals().decide(TestAggregator.RUN, GRANTED);

    assertThat(decided.plan()).isEqualTo(OTHER);
    assertThat(approvals().standing(OTHER)).isEqualTo(GRANTED);
    assertThat(approvals().standing(PLAN)).isEqualTo(denied);
    assertThatThrownBy(() -> approvals().decide(TestAggregator.RUN, GRANTED))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is decided; to change a decision name its subject")
        .hasMessageContaining(Approvals.subject(PLAN).abbreviated());
    assertThat(approvals().standing(PLAN)).isEqualTo(denied);
  }

  @Test
  void aRunWhoseTwoSubjectsWaitIsDecidedBySubjectAlone() {
    approvals().ask(PLAN, List.of(), NOW);
    approvals().ask(OTHER, List.of(), NOW.plusSeconds(1));

    assertThatThrownBy(() -> approvals().decide(TestAggregator.RUN, GRANTED))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("waits with 2 subjects")
        .hasMessageContaining(Approvals.subject(PLAN).abbreviated())
        .hasMessageContaining(Approvals.subject(OTHER).abbreviated());
    assertThat(folder.resolve("decisions")).doesNotExist();

    approvals().decide(Approvals.subject(OTHER).abbreviated(), GRANTED);

    assertThat(approvals().standing(OTHER)).isEqualTo(GRANTED);
    assertThat(approvals().standing(PLAN)).isEqualTo(new Approvals.Standing.Waits());
  }

  @Test
  void theReasonOfADenialStaysUnlessItIsToBeTold() {
    var kept = new Approvals.Standing.Denied("nadia", NOW, Optional.of("the minister"), false);
    var told = new Approvals.Standing.Denied("nadia", NOW, Optional.of("wrong season"), true);

    assertThat(kept.told()).isEqualTo("approval: an officer of this site denied it");
    assertThat(told.told()).isEqualTo("approval: an officer of this site denied it: wrong season");
  }

  @Test
  void nothingIsDecidedThatWasNotAsked() {
    var unknown = new RunId(new UUID(0, 1));

    assertThatThrownBy(() -> approvals().decide(unknown, GRANTED))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("waits for no approval");
    assertThatThrownBy(() -> approvals().decide("0123456789ab", GRANTED))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("subject 0123456789ab: 0 requests");
    assertThat(folder.resolve("decisions")).doesNotExist();
  }

  @Test
  void aDecisionThatCannotBeReadIsNoGrant() throws Exception {
    approvals().ask(PLAN, List.of(), NOW);
    approvals().decide(TestAggregator.RUN, GRANTED);
    Path decision;
    try (var files = Files.list(folder.resolve("decisions"))) {
      decision = files.findFirst().orElseThrow();
    }
    Files.write(decision, new byte[] {1, 2, 3});

    assertThatThrownBy(() -> approvals().standing(PLAN)).isInstanceOf(MalformedException.class);
  }
}
