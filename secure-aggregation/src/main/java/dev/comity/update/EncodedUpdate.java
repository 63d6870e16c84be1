package dev.comity.update;

import dev.comity.plan.Noise;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import java.lang.foreign.MemorySegment;

/// An update as ring elements, before noise. The only way on is [#noise].
public final class EncodedUpdate {
  private final VectorLayout layout;
  private final MemorySegment elements;
  private final DiscreteNoise drawn;

  EncodedUpdate(VectorLayout layout, MemorySegment elements, DiscreteNoise drawn) {
    this.layout = layout;
    this.elements = elements;
    this.drawn = drawn;
  }

  /// Adds the noise of the plan, whole numbers to whole numbers; nothing where training added it
  /// already, or without differential privacy. The same update gives the same bytes.
  ///
  /// @throws IllegalArgumentException when the layout is not that of a plan with this noise
  public NoisedUpdate noise(Noise noise) {
    switch (noise) {
      case Noise.None _, Noise.RecordLevel _ -> requireNoise(false, noise);
      case Noise.Distributed _ -> {
        requireNoise(true, noise);
        drawn.addTo(elements.asSlice(0, Integer.BYTES * layout.block(Kind.UPDATE).length()));
      }
    }
    return new NoisedUpdate(layout, Ring.pack(layout, elements).asReadOnly());
  }

  int coordinate(long i) {
    return elements.get(Ring.INT, Integer.BYTES * i);
  }

  private void requireNoise(boolean wanted, Noise noise) {
    if (layout.update().noiseVariance() > 0 != wanted) {
      throw new IllegalArgumentException(
          "noise %s: the layout has noise of variance %d in each coordinate; take noise and layout of one plan"
              .formatted(noise, layout.update().noiseVariance()));
    }
  }
}
