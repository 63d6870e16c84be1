package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.agent.policy.Finding;
import dev.comity.agent.policy.Verdict;
import dev.comity.plan.Architecture;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What a policy file says of a plan.
class SitePolicyTest {
  private static final Set<String> COLUMNS = Set.of("a", "b", "y");
  private static final String METRICS = "share: {metrics: allow}\n";
  private static final RoundPlan PLAN = TestPlans.plain(RunKind.TRAIN, 5);

  @TempDir Path folder;

  private Verdict decide(String yaml, RoundPlan plan) throws Exception {
    Path file = Files.writeString(folder.resolve("policy.yaml"), yaml);
    return PolicyFile.read(file).decide(plan, COLUMNS);
  }

  private List<String> failed(String yaml) throws Exception {
    return failed(yaml, PLAN);
  }

  private List<String> failed(String yaml, RoundPlan plan) throws Exception {
    return decide(yaml, plan).findings().stream()
        .filter(finding -> !finding.holds())
        .map(Finding::rule)
        .toList();
  }

  private static String rule(String more) {
    return METRICS
        + "studies: [{study: study, purposes: [test], columns: [a, b, y], approval: none%s}]\n"
            .formatted(more);
  }

  @Test
  void whatARuleNamesIsPermitted() throws Exception {
    Verdict verdict = decide(rule(""), PLAN);

    assertThat(verdict.reasons()).isEmpty();
    assertThat(verdict.officer()).isFalse();
    assertThat(verdict.findings())
        .extracting(Finding::rule)
        .containsExactly(
            "studies",
            "studies.purposes",
            "allowedKinds",
            "architectures",
            "studies.columns",
            "minCohort",
            "minHonest",
            "nC",
            "maxClipNorm",
            "privacy.withoutNoise",
            "share.metrics");
  }

  @Test
  void silenceRefuses() throws Exception {
    assertThat(failed(METRICS)).containsExactly("studies");
    assertThat(PolicyFile.read(folder.resolve("none.yaml")).decide(PLAN, COLUMNS).reasons())
        .contains(
            "study study: this site's policy does not name it; its operator may add it under studies");
    assertThat(failed(TestSites.ANY_STUDY)).containsExactly("share.metrics");
  }

  @Test
  void aStudyWithARuleOfItsOwnDoesNotFallUnderTheRuleForAny() throws Exception {
    String both =
        METRICS
            + """
            studies:
              - {study: any, purposes: any, columns: any, approval: none}
              - {study: study, purposes: [another], columns: any, approval: none}
            """;

    assertThat(failed(both)).containsExactly("studies.purposes");
  }

  @Test
  void thePurposesOfOthersAreNotTold() throws Exception {
    Verdict verdict =
        decide(
            METRICS
                + "studies: [{study: study, purposes: [secret plan], columns: any, approval: none}]\n",
            PLAN);

    assertThat(verdict.reasons())
        .containsExactly(
            "purpose: this site permits study study for other purposes; its policy sets studies.purposes");
    assertThat(verdict.findings())
        .filteredOn(finding -> !finding.holds())
        .extracting(Finding::text)
        .allMatch(text -> text.contains("secret plan"));
  }

  @Test
  void aColumnThatTheStudyMayNotUseIsNamedAtTheSiteAlone() throws Exception {
    Verdict verdict =
        decide(
            METRICS + "studies: [{study: study, purposes: any, columns: [a, y], approval: none}]\n",
            PLAN);

    assertThat(verdict.reasons())
        .containsExactly(
            "columns: this site's policy does not let study study use all that its features and label are built from; its policy sets studies.columns");
    assertThat(verdict.findings())
        .extracting(Finding::text)
        .contains("columns [b]: study study may use a, y; its rule sets columns");
  }

  @Test
  void aRuleNarrowsWhatHoldsForAllStudies() throws Exception {
    assertThat(failed(rule(", kinds: [evaluate]"))).containsExactly("studies.kinds");
    assertThat(failed("allowedKinds: [evaluate]\n" + rule(", kinds: [train]")))
        .containsExactly("allowedKinds");
    assertThat(failed(rule(", architectures: [mlp]"))).containsExactly("studies.architectures");
    assertThat(failed("architectures: [mlp]\n" + rule(", architectures: [logistic-regression]")))
        .containsExactly("architectures");
    assertThat(failed(rule(", minCohort: 6"))).containsExactly("minCohort");
    assertThat(failed("minCohort: 6\n" + rule(", minCohort: 2"))).containsExactly("minCohort");
    assertThat(failed(rule(", minHonest: 4"))).containsExactly("minHonest");
    assertThat(failed(rule(", nC: 2"))).containsExactly("nC");
    assertThat(failed("nC: 2\n" + rule(", nC: 0"))).containsExactly("nC");
    assertThat(failed("maxClipNorm: 0.5\n" + rule(""))).containsExactly("maxClipNorm");
    assertThat(failed(rule(", minCohort: 5, minHonest: 3, nC: 1"))).isEmpty();
  }

  @Test
  void aRuleMayNameAWholeModel() throws Exception {
    String one = rule(", architectures: ['logistic-regression(2,1)']");
    var wider = TestPlans.withArchitecture(PLAN, Architecture.parse("logistic-regression(3,1)"));

    assertThat(failed(one)).isEmpty();
    assertThat(failed(one, wider)).containsExactly("studies.architectures");
  }

  @Test
  void aStudyWithABudgetTakesPartWithDifferentialPrivacyOnly() throws Exception {
    String budget = "privacy: {withoutNoise: allow}\n" + rule(", epsilon: 2");

    assertThat(failed(budget)).containsExactly("studies.epsilon");
    assertThat(failed(budget, TestPlans.recordLevel(PLAN, 1.2))).isEmpty();
  }

  @Test
  void aPlanWithoutMetricsIsNotRefusedForThem() throws Exception {
    String silent = TestSites.ANY_STUDY;

    assertThat(failed(silent)).containsExactly("share.metrics");
    assertThat(failed(silent, TestPlans.recordLevel(PLAN, 1.2))).isEmpty();
  }

  @Test
  void anOfficerIsAskedWhereTheRuleSaysSo() throws Exception {
    Verdict verdict = decide(rule("").replace("approval: none", "approval: required"), PLAN);

    assertThat(verdict.reasons()).isEmpty();
    assertThat(verdict.officer()).isTrue();
  }
}
