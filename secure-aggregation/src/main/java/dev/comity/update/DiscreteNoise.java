package dev.comity.update;

import dev.comity.accounting.DiscreteGaussianSampler;
import dev.comity.plan.VectorLayout;
import dev.comity.plan.VectorLayout.Kind;
import dev.comity.vector.Vectors;
import java.lang.foreign.MemorySegment;

/// The noise of one update under distributed differential privacy: a discrete Gaussian integer for
/// each element of the `update` block, of the layout's variance. It takes time that depends on what
/// is drawn, so it is drawn before the update is looked at.
final class DiscreteNoise {
  private final MemorySegment elements;

  private DiscreteNoise(MemorySegment elements) {
    this.elements = elements;
  }

  /// The same for the same layout and key; nothing where the layout has no noise.
  static DiscreteNoise draw(VectorLayout layout, RoundingKey key) {
    long variance = layout.update().noiseVariance();
    if (variance == 0) {
      return new DiscreteNoise(Ring.elements(0));
    }
    var sampler = new DiscreteGaussianSampler(variance, 1, key.noise(layout));
    long length = layout.block(Kind.UPDATE).length();
    var elements = Ring.elements(length);
    for (long i = 0; i < length; i++) {
      elements.set(Ring.INT, Integer.BYTES * i, (int) sampler.next());
    }
    return new DiscreteNoise(elements);
  }

  /// Adds it to the elements of the `update` block, modulo 2³².
  void addTo(MemorySegment update) {
    Vectors.addModular(Integer.SIZE, update, elements);
  }

  int element(long i) {
    return elements.get(Ring.INT, Integer.BYTES * i);
  }
}
