package dev.comity.agent.training;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import org.junit.jupiter.api.Test;

class PytorchEngineTest {

  @Test
  void oneStepOfGradientDescentLowersTheLoss() {
    var config =
        new DefaultTrainingConfig(Loss.sigmoidBinaryCrossEntropyLoss())
            .optOptimizer(Optimizer.sgd().setLearningRateTracker(Tracker.fixed(0.1f)).build())
            .optDevices(new Device[] {Device.cpu()});
    try (var model = Model.newInstance("linear", "PyTorch")) {
      model.setBlock(Linear.builder().setUnits(1).build());
      try (var trainer = model.newTrainer(config)) {
        trainer.initialize(new Shape(2, 2));
        var features =
            new NDList(trainer.getManager().create(new float[] {1, 2, -3, 1}, new Shape(2, 2)));
        var labels = new NDList(trainer.getManager().create(new float[] {0, 1}, new Shape(2, 1)));

        float before;
        try (var gradients = trainer.newGradientCollector()) {
          var loss = trainer.getLoss().evaluate(labels, trainer.forward(features));
          gradients.backward(loss);
          before = loss.getFloat();
        }
        trainer.step();

        var after = trainer.getLoss().evaluate(labels, trainer.evaluate(features)).getFloat();
        assertThat(after).isLessThan(before);
      }
    }
  }
}
