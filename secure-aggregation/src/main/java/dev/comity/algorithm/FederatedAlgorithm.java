package dev.comity.algorithm;

/// A federated algorithm: what sites minimise, how their updates are weighed, and the server's
/// step.
public sealed interface FederatedAlgorithm {
  LocalObjective localObjective();

  Weighting weighting();

  ServerStep serverStep();

  /// Federated averaging; McMahan et al. 2017, algorithm 1. `serverLearningRate` is 1 there.
  record FedAvg(Weighting weighting, double serverLearningRate) implements FederatedAlgorithm {
    public FedAvg {
      Ranges.requireAbove("FedAvg serverLearningRate", serverLearningRate, 0);
    }

    @Override
    public LocalObjective localObjective() {
      return new LocalObjective.Plain();
    }

    @Override
    public ServerStep serverStep() {
      return new ServerStep.Average(serverLearningRate);
    }
  }

  /// FedProx; Li et al. 2020, eq. 2. `mu` ≥ 0 weighs the pull towards the global model; 0 is
  /// FedAvg.
  record FedProx(double mu, Weighting weighting, double serverLearningRate)
      implements FederatedAlgorithm {
    public FedProx {
      Ranges.requireAtLeast("FedProx mu", mu, 0);
      Ranges.requireAbove("FedProx serverLearningRate", serverLearningRate, 0);
    }

    @Override
    public LocalObjective localObjective() {
      return new LocalObjective.Proximal(mu);
    }

    @Override
    public ServerStep serverStep() {
      return new ServerStep.Average(serverLearningRate);
    }
  }

  /// FedAvg with server momentum; Hsu et al. 2019.
  record FedAvgM(double learningRate, double momentum, Weighting weighting)
      implements FederatedAlgorithm {
    public FedAvgM {
      Ranges.requireAbove("FedAvgM learningRate", learningRate, 0);
      Ranges.requireFraction("FedAvgM momentum", momentum);
    }

    @Override
    public LocalObjective localObjective() {
      return new LocalObjective.Plain();
    }

    @Override
    public ServerStep serverStep() {
      return new ServerStep.Momentum(learningRate, momentum);
    }
  }

  /// FedAdam; Reddi et al. 2021, algorithm 2.
  record FedAdam(double learningRate, double beta1, double beta2, double tau, Weighting weighting)
      implements FederatedAlgorithm {
    public FedAdam {
      Ranges.requireAbove("FedAdam learningRate", learningRate, 0);
      Ranges.requireFraction("FedAdam beta1", beta1);
      Ranges.requireFraction("FedAdam beta2", beta2);
      Ranges.requireAbove("FedAdam tau", tau, 0);
    }

    @Override
    public LocalObjective localObjective() {
      return new LocalObjective.Plain();
    }

    @Override
    public ServerStep serverStep() {
      return new ServerStep.Adam(learningRate, beta1, beta2, tau);
    }
  }

  /// FedYogi; Reddi et al. 2021, algorithm 2.
  record FedYogi(double learningRate, double beta1, double beta2, double tau, Weighting weighting)
      implements FederatedAlgorithm {
    public FedYogi {
      Ranges.requireAbove("FedYogi learningRate", learningRate, 0);
      Ranges.requireFraction("FedYogi beta1", beta1);
      Ranges.requireFraction("FedYogi beta2", beta2);
      Ranges.requireAbove("FedYogi tau", tau, 0);
    }

    @Override
    public LocalObjective localObjective() {
      return new LocalObjective.Plain();
    }

    @Override
    public ServerStep serverStep() {
      return new ServerStep.Yogi(learningRate, beta1, beta2, tau);
    }
  }

  /// FedAdagrad; Reddi et al. 2021, algorithm 2.
  record FedAdagrad(double learningRate, double beta1, double tau, Weighting weighting)
      implements FederatedAlgorithm {
    public FedAdagrad {
      Ranges.requireAbove("FedAdagrad learningRate", learningRate, 0);
      Ranges.requireFraction("FedAdagrad beta1", beta1);
      Ranges.requireAbove("FedAdagrad tau", tau, 0);
    }

    @Override
    public LocalObjective localObjective() {
      return new LocalObjective.Plain();
    }

    @Override
    public ServerStep serverStep() {
      return new ServerStep.Adagrad(learningRate, beta1, tau);
    }
  }
}
