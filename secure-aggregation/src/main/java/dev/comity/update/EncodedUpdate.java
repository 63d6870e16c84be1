package dev.comity.update;

import dev.comity.plan.Noise;
import dev.comity.plan.VectorLayout;
import java.lang.foreign.MemorySegment;

/// An update as ring elements, before noise. The only way on is [#noise].
public final class EncodedUpdate {
  private final VectorLayout layout;
  private final MemorySegment ring;

  EncodedUpdate(VectorLayout layout, MemorySegment ring) {
    this.layout = layout;
    this.ring = ring;
  }

  /// Adds the noise of the plan; without differential privacy, nothing.
  public NoisedUpdate noise(Noise noise) {
    return switch (noise) {
      case Noise.None _ -> new NoisedUpdate(layout, ring);
      case Noise.RecordLevel _ -> new NoisedUpdate(layout, ring); // noised in training
      case Noise.Distributed _ ->
          throw new IllegalArgumentException(
              "distributed noise: not offered by this version; choose record-level");
    };
  }

  int coordinate(long i) {
    return ring.get(Ring.INT, Integer.BYTES * i);
  }
}
