package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.accounting.PrivacyBudget;
import dev.comity.agent.policy.PrivacyPolicy;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.plan.RunKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
  @TempDir Path folder;

  @Test
  void withoutAPolicyFileTheDefaultsHold() {
    assertThat(PolicyFile.read(folder.resolve("policy.yaml"))).isEqualTo(SitePolicy.defaults());
  }

  @Test
  void aPolicyFileChangesWhatItNames() throws Exception {
    Path file = Files.writeString(folder.resolve("policy.yaml"), "allowedKinds: [train]\nnC: 2\n");

    var policy = PolicyFile.read(file);

    assertThat(policy.allowedKinds()).isEqualTo(Set.of(RunKind.TRAIN));
    assertThat(policy.nCFloor()).isEqualTo(2);
    assertThat(policy.minHonestFloor()).isEqualTo(3);
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
