package dev.comity.agent.training;

import dev.comity.plan.UpdateTerms;
import dev.comity.update.TrainingKey;
import java.nio.ByteBuffer;

/// Training keys of sites whose secret begins with a number.
final class TestKeys {
  private TestKeys() {}

  static TrainingKey key(int secret) {
    var training = TrainingCases.of(TrainingCases.logistic(2));
    return key(secret, training.terms(), training.initial());
  }

  static TrainingKey key(int secret, UpdateTerms terms, float[] base) {
    return TrainingKey.derive(ByteBuffer.allocate(32).putInt(secret).array(), terms, base);
  }
}
