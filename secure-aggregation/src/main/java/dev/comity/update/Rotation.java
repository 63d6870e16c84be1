package dev.comity.update;

import dev.comity.plan.Digest;
import dev.comity.vector.Vectors;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.LongToDoubleFunction;

/// The rotation `x ↦ H·D·x/√d` that all sites of a round share: `D` flips signs at random, `H` is
/// the Walsh–Hadamard matrix. Whatever an update looks like, its coordinates are of like size
/// afterwards (Suresh et al. 2017), so that few bits and noise of one size serve all of them.
///
/// The sign of coordinate `i` is bit `i` of the AES-256-CTR stream under the layout's seed, least
/// bit first: minus where it is set. The seed is no secret.
final class Rotation {
  private final byte[] seed;
  private final long dimension;

  /// @param dimension a power of two
  Rotation(Digest seed, long dimension) {
    this.seed = seed.bytes();
    this.dimension = dimension;
  }

  /// The rotated update: doubles, as many as the dimension.
  ///
  /// @param parameters of which there are values; the rest is zero
  MemorySegment rotate(long parameters, LongToDoubleFunction values) {
    var x = Ring.allocate(Double.BYTES * dimension);
    double unit = 1 / Math.sqrt((double) dimension);
    var signs = new Signs();
    for (long i = 0; i < parameters; i++) {
      x.set(Ring.DOUBLE, Double.BYTES * i, signs.next() * values.applyAsDouble(i) * unit);
    }
    Vectors.walshHadamard(x);
    return x;
  }

  /// `mean[i] ← (float) (sign[i] · (H·sum)[i] · f)` with `f = factor/√d`, every product and sum in
  /// double in this order: the same bits on every machine.
  void turnBack(LongToDoubleFunction sum, double factor, float[] mean) {
    var x = Ring.allocate(Double.BYTES * dimension);
    for (long i = 0; i < dimension; i++) {
      x.set(Ring.DOUBLE, Double.BYTES * i, sum.applyAsDouble(i));
    }
    Vectors.walshHadamard(x);
    double unit = factor / Math.sqrt((double) dimension);
    var signs = new Signs();
    for (int i = 0; i < mean.length; i++) {
      mean[i] = (float) (signs.next() * x.get(Ring.DOUBLE, (long) Double.BYTES * i) * unit);
    }
  }

  private final class Signs {
    private final Keystream stream = new Keystream();
    private MemorySegment bytes = MemorySegment.NULL;
    private long bit;

    Signs() {
      stream.start(seed, 0);
    }

    double next() {
      if (bit == Byte.SIZE * bytes.byteSize()) {
        bytes = stream.next(Keystream.STEP);
        bit = 0;
      }
      int each = bytes.get(ValueLayout.JAVA_BYTE, bit / Byte.SIZE) >> bit % Byte.SIZE & 1;
      bit++;
      return 1 - 2 * each;
    }
  }
}
