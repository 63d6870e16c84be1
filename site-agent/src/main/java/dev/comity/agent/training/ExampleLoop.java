package dev.comity.agent.training;

import dev.comity.plan.Architecture;

/// One backward pass for each example: slow, right for every architecture, and what faster ways are
/// tested against.
final class ExampleLoop implements PerExampleGradients {
  private final TorchModel model;
  private final int classes;
  private final double clip;
  private final float[] gradient;

  ExampleLoop(TorchModel model, Architecture architecture, double clip) {
    this.model = model;
    this.classes = architecture.binary() ? 2 : architecture.outputs();
    this.clip = clip;
    this.gradient = new float[model.values().capacity()];
  }

  @Override
  public void addClipped(Examples examples, int[] rows, double[] sum) {
    for (int row : rows) {
      if (examples.label(row) >= classes) {
        continue;
      }
      model.backward(examples, new int[] {row});
      model.update((index, value, derivative) -> {
        gradient[index] = derivative;
        return value;
      });
      double squares = 0;
      for (float derivative : gradient) {
        squares += (double) derivative * derivative;
      }
      double factor = PerExampleGradients.factor(squares, clip);
      if (factor > 0) {
        for (int i = 0; i < sum.length; i++) {
          sum[i] += factor * gradient[i];
        }
      }
    }
  }
}
