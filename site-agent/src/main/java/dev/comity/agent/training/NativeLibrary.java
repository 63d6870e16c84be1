package dev.comity.agent.training;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;

/// The native library that training needs.
public final class NativeLibrary {
  private NativeLibrary() {}

  /// Loads PyTorch into this process and computes with it; gives its version.
  ///
  /// @throws RuntimeException when it does not load or does not compute
  public static String pytorch() {
    Engine engine = Engine.getEngine("PyTorch");
    try (NDManager manager = engine.newBaseManager()) {
      float sum = manager.create(new float[] {1, 2}).sum().getFloat();
      if (sum != 3) {
        throw new IllegalStateException("PyTorch computes 1 + 2 = " + sum);
      }
    }
    return engine.getVersion();
  }
}
