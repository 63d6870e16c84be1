package dev.comity.agent.training;

import dev.comity.algorithm.LocalObjective;
import dev.comity.plan.LocalWork;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;

/// A training in a process of its own, for [TrainingKillIT] to kill: it prints a line before every
/// step, saves its state after every step, and leaves the trained update in a file.
final class KilledTraining {
  private static final int STEPS = 2000;

  private KilledTraining() {}

  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    var gate =
        new PauseGate() {
          @Override
          public boolean isOpen() {
            System.out.println("step");
            System.out.flush();
            return true;
          }

          @Override
          public void awaitOpen() {}

          @Override
          public void awaitOpen(Duration longest) {}
        };
    float[] delta = train(folder, Boolean.parseBoolean(arguments[1]), Duration.ZERO, gate);
    Path written = folder.resolve("delta.new");
    Files.write(written, bytes(delta));
    Files.move(written, folder.resolve("delta"), StandardCopyOption.ATOMIC_MOVE);
  }

  /// @param privately with record-level differential privacy, so with samples and noise
  static float[] train(Path folder, boolean privately, Duration interval, PauseGate gate)
      throws InterruptedException {
    var plain =
        TrainingCases.of(TrainingCases.mlp(4, 8, 2))
            .optimizer(new LocalObjective.Proximal(0.1), 0.05, 0.9, 0.01)
            .work(new LocalWork.Batches(STEPS));
    var request = (privately ? plain.recordLevel(1.1, 1, STEPS, 0.2) : plain).request();
    var examples = TrainingCases.examples(5, 40, 4, 2);
    return new PytorchTrainer(
            examples, examples, folder.resolve("checkpoints"), interval, InstantSource.system())
        .train(request, _ -> {}, gate)
        .delta();
  }

  static byte[] bytes(float[] delta) {
    var bytes = ByteBuffer.allocate(delta.length * Float.BYTES);
    bytes.asFloatBuffer().put(delta);
    return bytes.array();
  }
}
