package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.accounting.PrivacyEvent.DiscreteGaussianInteger;
import dev.comity.accounting.PrivacyEvent.DiscreteGaussianSum;
import dev.comity.accounting.PrivacyEvent.Gaussian;
import dev.comity.accounting.PrivacyEvent.PoissonGaussian;
import java.util.List;
import org.junit.jupiter.api.Test;

class DecidingAccountantTest {
  private static final double DELTA = 1e-5;

  private final PrivacyAccountant deciding = PrivacyAccountant.deciding();
  private final PoissonGaussian training = new PoissonGaussian(1, 0.01, 1000);
  private final DiscreteGaussianSum sum = new DiscreteGaussianSum(100, 5, 1000, 2500, 10);

  @Test
  void lossDistributionsDecideForTraining() {
    var events = List.of(training, new Gaussian(5, 2), new DiscreteGaussianInteger(30, 1, 4));

    PrivacyLoss loss = deciding.epsilon(events, DELTA);

    assertThat(loss).isEqualTo(new PldAccountant().epsilon(events, DELTA));
    assertThat(loss.method()).isEqualTo(PrivacyLoss.Method.PLD);
    assertThat(loss.epsilon()).isLessThan(new RdpAccountant().epsilon(events, DELTA).epsilon());
    assertThat(deciding.delta(events, 1)).isEqualTo(new PldAccountant().delta(events, 1));
  }

  @Test
  void concentratedPrivacyDecidesForSumsEvenBesideOtherUnsampledNoise() {
    var events = List.of(sum, new Gaussian(5, 2));

    assertThat(deciding.epsilon(events, DELTA))
        .isEqualTo(new ZcdpAccountant().epsilon(events, DELTA));
    assertThat(deciding.delta(events, 1)).isEqualTo(new ZcdpAccountant().delta(events, 1));
  }

  @Test
  void renyiPrivacyComposesAllWhereSumsAndTrainingAreMixed() {
    var mixed = List.of(training, sum);

    PrivacyLoss loss = deciding.epsilon(mixed, DELTA);

    assertThat(loss).isEqualTo(new RdpAccountant().epsilon(mixed, DELTA));
    assertThat(loss.epsilon())
        .isGreaterThan(deciding.epsilon(List.of(training), DELTA).epsilon())
        .isGreaterThan(deciding.epsilon(List.of(sum), DELTA).epsilon());
    assertThat(deciding.delta(mixed, 1)).isEqualTo(new RdpAccountant().delta(mixed, 1));
  }

  @Test
  void belowTheFloorOfLossDistributionsRenyiPrivacyDecides() {
    var events = List.of(new PoissonGaussian(1, 0.01, 100_000));

    PrivacyLoss loss = deciding.epsilon(events, 1e-13);

    assertThat(loss).isEqualTo(new RdpAccountant().epsilon(events, 1e-13));
    assertThat(loss.epsilon()).isFinite();
  }

  @Test
  void aBudgetCoversALossAtItsDeltaOrASmallerOne() {
    PrivacyBudget budget = new PrivacyBudget(8, DELTA);

    assertThat(budget.covers(new PrivacyLoss(8, DELTA, PrivacyLoss.Method.PLD))).isTrue();
    assertThat(budget.covers(new PrivacyLoss(8, DELTA / 10, PrivacyLoss.Method.PLD))).isTrue();
    assertThat(budget.covers(new PrivacyLoss(8, DELTA * 10, PrivacyLoss.Method.PLD))).isFalse();
    assertThat(budget.covers(new PrivacyLoss(8.001, DELTA, PrivacyLoss.Method.PLD))).isFalse();
    assertThat(
            budget.covers(new PrivacyLoss(Double.POSITIVE_INFINITY, DELTA, PrivacyLoss.Method.PLD)))
        .isFalse();
  }
}
