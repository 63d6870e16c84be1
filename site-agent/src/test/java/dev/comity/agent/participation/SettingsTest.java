package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.accounting.PrivacyBudget;
import dev.comity.agent.policy.Choice;
import dev.comity.agent.policy.Floors;
import dev.comity.agent.policy.PrivacyPolicy;
import dev.comity.agent.policy.Sharing;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.agent.policy.StudyRule;
import dev.comity.plan.RunKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
  private static final StudyRule EXAMPLE_RULE =
      new StudyRule(
          Optional.empty(),
          new Choice.Any(),
          Set.of(RunKind.TRAIN, RunKind.EVALUATE),
          new Choice.Any(),
          new Choice.Any(),
          StudyRule.anything().floors(),
          Optional.empty(),
          false);

  @TempDir Path folder;

  @Test
  void withoutAPolicyFileNoStudyIsPermitted() {
    var policy = PolicyFile.read(folder.resolve("policy.yaml"));

    assertThat(policy).isEqualTo(SitePolicy.silent());
    assertThat(policy.studies()).isEmpty();
  }

  @Test
  void aPolicyFileChangesWhatItNames() throws Exception {
    Path file = Files.writeString(folder.resolve("policy.yaml"), "allowedKinds: [train]\nnC: 2\n");

    var policy = PolicyFile.read(file);

    assertThat(policy.allowedKinds()).isEqualTo(Set.of(RunKind.TRAIN));
    assertThat(policy.floors().nC()).isEqualTo(2);
    assertThat(policy.floors().minHonest()).isEqualTo(3);
    assertThat(policy.floors().minHonestRecordLevel()).isEqualTo(2);
  }

  @Test
  void aPolicyThatStatesHonestSitesMeansThemForRecordLevelPrivacyTooUnlessItSaysOtherwise()
      throws Exception {
    Path strict = Files.writeString(folder.resolve("strict.yaml"), "minHonest: 5\n");
    Path both =
        Files.writeString(folder.resolve("both.yaml"), "minHonest: 5\nminHonestRecordLevel: 2\n");
    Path one = Files.writeString(folder.resolve("one.yaml"), "minHonestRecordLevel: 1\n");

    assertThat(PolicyFile.read(strict).floors().minHonestRecordLevel()).isEqualTo(5);
    assertThat(PolicyFile.read(both).floors().minHonestRecordLevel()).isEqualTo(2);
    assertThat(PolicyFile.read(both).floors().minHonest()).isEqualTo(5);
    assertThatThrownBy(() -> PolicyFile.read(one))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("minHonestRecordLevel 1: must be >= 2");
  }

  @Test
  void anUnknownPolicyKeyIsRefusedByName() throws Exception {
    Path file = Files.writeString(folder.resolve("policy.yaml"), "minHonset: 5\n");

    assertThatThrownBy(() -> PolicyFile.read(file))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("policy.yaml")
        .hasMessageContaining("unknown key minHonset")
        .hasMessageContaining("minHonest");
  }

  @Test
  void aPolicyCannotGoBelowThreeHonestSites() throws Exception {
    Path file = Files.writeString(folder.resolve("policy.yaml"), "minHonest: 2\n");

    assertThatThrownBy(() -> PolicyFile.read(file))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("minHonest 2: must be >= 3");
  }

  @Test
  void aSiteThatStatesAPrivacyBudgetTakesPartWithDifferentialPrivacyOnly() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("policy.yaml"), "privacy:\n  epsilon: 3.5\n  delta: 1.0e-6\n");

    var privacy = PolicyFile.read(file).privacy();

    assertThat(privacy).isEqualTo(new PrivacyPolicy(new PrivacyBudget(3.5, 1e-6), false));
  }

  @Test
  void aSiteMayAllowRoundsWithoutNoiseBesideItsBudget() throws Exception {
    Path file =
        Files.writeString(folder.resolve("policy.yaml"), "privacy: {withoutNoise: allow}\n");

    assertThat(PolicyFile.read(file).privacy()).isEqualTo(PrivacyPolicy.defaults());
  }

  @Test
  void aPrivacyBudgetThatIsNoneIsRefused() throws Exception {
    for (String[] fault :
        new String[][] {
          {"privacy: {epsilon: 0}", "epsilon 0.0: must be > 0"},
          {"privacy: {delta: 1}", "delta 1.0: must be in (0, 1)"},
          {"privacy: {withoutNoise: perhaps}", "perhaps is none of allow, refuse"},
          {"privacy: {epsilom: 1}", "unknown key epsilom"}
        }) {
      Path file = Files.writeString(folder.resolve("policy.yaml"), fault[0] + "\n");

      assertThatThrownBy(() -> PolicyFile.read(file))
          .isInstanceOf(RefusedSettings.class)
          .hasMessageContaining(fault[1]);
    }
  }

  @Test
  void theExampleIsAWholePolicyThatPermitsEveryStudy() throws Exception {
    Path file = Files.writeString(folder.resolve("policy.yaml"), SiteDirectory.examplePolicy());

    var policy = PolicyFile.read(file);

    assertThat(policy.studies()).containsExactly(EXAMPLE_RULE);
    assertThat(policy.sharing()).isEqualTo(new Sharing(true, true, false));
    assertThat(policy.privacy()).isEqualTo(PrivacyPolicy.defaults());
    assertThat(policy.floors()).isEqualTo(Floors.usual());
    assertThat(policy.architectures()).isEqualTo(new Choice.Of(SitePolicy.FAMILIES));
  }

  /// Beside the rule for any study.
  @Test
  void theRuleThatTheExampleCommentsOutIsOneThatCanBeUsed() throws Exception {
    String example = SiteDirectory.examplePolicy();
    String rule =
        example
            .lines()
            .filter(line -> line.startsWith("#  "))
            .filter(line -> line.startsWith("#  - study") || line.startsWith("#    "))
            .map(line -> line.substring(1) + "\n")
            .reduce("", String::concat);
    Path file = Files.writeString(folder.resolve("policy.yaml"), example + rule);

    var policy = PolicyFile.read(file);

    assertThat(policy.studies()).hasSize(2);
    var heart = policy.rule("heart-disease").orElseThrow();
    assertThat(heart.officer()).isTrue();
    assertThat(heart.columns().permits("chol")).isTrue();
    assertThat(heart.columns().permits("name")).isFalse();
    assertThat(policy.budget("heart-disease")).contains(new PrivacyBudget(4, 1e-5));
    assertThat(policy.budget("another")).isEmpty();
    assertThat(policy.rule("another")).contains(EXAMPLE_RULE);
  }

  @Test
  void whatAPolicyCannotMeanIsRefusedWithItsKey() throws Exception {
    for (String[] fault :
        new String[][] {
          {"hours: {from: 8}", "unknown key hours"},
          {
            "studies: [{purposes: any, columns: any, approval: none}]",
            "key studies[0].study is missing: write the study's name, or any"
          },
          {
            "studies: [{study: any, columns: any, approval: none}]",
            "key studies[0].purposes is missing"
          },
          {
            "studies: [{study: any, purposes: any, approval: none}]",
            "key studies[0].columns is missing"
          },
          {
            "studies: [{study: any, purposes: any, columns: any}]",
            "key studies[0].approval is missing: write none, or required"
          },
          {
            "studies: [{study: a, purposes: any, columns: any, approval: perhaps}]",
            "key studies[0].approval: perhaps is none of required, none"
          },
          {
            "studies: [{study: a, purposes: [any, b], columns: any, approval: none}]",
            "key studies[0].purposes: any stands beside other values"
          },
          {
            "studies: [{study: a, purposes: [], columns: any, approval: none}]",
            "key studies[0].purposes: names nothing"
          },
          {
            "studies: [{study: a, purposes: any, columns: any, approval: none, minHonest: 2}]",
            "key studies[0]: minHonest 2: must be >= 3"
          },
          {
            "studies: [{study: a, purposes: any, columns: any, approval: none, epsilon: 0}]",
            "key studies[0]: epsilon 0.0: must be > 0"
          },
          {
            "studies: [{study: a, purposes: any, columns: any, approval: none, kinds: [guess]}]",
            "key studies[0].kinds: guess is none of train"
          },
          {
            "studies: [{study: a, purposes: any, columns: any, approval: none, architectures: [cnn]}]",
            "key studies[0].architectures: cnn is neither a built-in family"
          },
          {
            "studies: [{study: a, purpose: any, columns: any, approval: none}]",
            "unknown key purpose"
          },
          {
            "studies: [{study: a, purposes: any, columns: any, approval: none}, {study: a, purposes: any, columns: any, approval: none}]",
            "key studies: a has two rules"
          },
          {"studies: [null]", "key studies[0]"},
          {"minCohort: 1", "minCohort 1: must be >= 2"},
          {"minCohort: 2.5", "key minCohort"},
          {"nC: -1", "nC -1: must be >= 0"},
          {
            "share: {metrics: yes please}", "key share.metrics: yes please is none of allow, refuse"
          },
          {"share: {metric: allow}", "unknown key metric"},
          {"minHonest: 3\nminHonest: 4", "minHonest"},
          {"studies: [a]", "key studies[0]: "},
          {"studies: 'a", "is no YAML"},
        }) {
      Path file = Files.writeString(folder.resolve("policy.yaml"), fault[0] + "\n");

      assertThatThrownBy(() -> PolicyFile.read(file))
          .as(fault[0])
          .isInstanceOf(RefusedSettings.class)
          .hasMessageContaining("policy.yaml")
          .hasMessageContaining(fault[1]);
    }
  }

  @Test
  void aKeyThatIsLeftEmptyIsRefusedAndNotTakenForItsDefault() throws Exception {
    String rule = "studies:\n  - {study: a, purposes: any, columns: any, approval: none, ";
    for (String[] fault :
        new String[][] {
          {"privacy:\n#  epsilon: 1", "privacy"},
          {"privacy:\n  epsilon:\n  delta: 1.0e-6", "privacy.epsilon"},
          {"share:\n  metrics:", "share.metrics"},
          {"allowedKinds:", "allowedKinds"},
          {"architectures:", "architectures"},
          {"minCohort:", "minCohort"},
          {"minHonest: null", "minHonest"},
          {"minHonestRecordLevel:", "minHonestRecordLevel"},
          {"nC:", "nC"},
          {"maxClipNorm:", "maxClipNorm"},
          {"studies:", "studies"},
          {"studies: [null]", "studies[0]"},
          {rule + "epsilon: }", "studies[0].epsilon"},
          {rule + "minHonest: }", "studies[0].minHonest"},
        }) {
      Path file = Files.writeString(folder.resolve("policy.yaml"), fault[0] + "\n");

      assertThatThrownBy(() -> PolicyFile.read(file))
          .as(fault[0])
          .isInstanceOf(RefusedSettings.class)
          .hasMessageContaining("policy.yaml")
          .hasMessageContaining(
              "key %s is empty: state a value, or remove the key".formatted(fault[1]));
    }
  }

  @Test
  void aSettingThatIsLeftEmptyIsRefusedByName() throws Exception {
    Files.writeString(folder.resolve("agent.yaml"), "federation: test\nproxy:\n");

    assertThatThrownBy(() -> AgentSettings.read(new SiteDirectory(folder)))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("agent.yaml: key proxy is empty");
  }

  @Test
  void anUnknownSettingIsRefusedByName() throws Exception {
    Files.writeString(folder.resolve("agent.yaml"), "federation: test\nsight: site-1\n");

    assertThatThrownBy(() -> AgentSettings.read(new SiteDirectory(folder)))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("agent.yaml")
        .hasMessageContaining("unknown key sight");
  }

  @Test
  void aMissingSettingIsRefusedByName() throws Exception {
    Files.writeString(folder.resolve("agent.yaml"), "federation: test\n");

    assertThatThrownBy(() -> AgentSettings.read(new SiteDirectory(folder)))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("key site is missing");
  }

  @Test
  void aSettingOfTheWrongTypeIsRefusedByName() throws Exception {
    Files.writeString(folder.resolve("agent.yaml"), "statusPort: high\n");

    assertThatThrownBy(() -> AgentSettings.read(new SiteDirectory(folder)))
        .isInstanceOf(RefusedSettings.class)
        .hasMessageContaining("key statusPort");
  }
}
