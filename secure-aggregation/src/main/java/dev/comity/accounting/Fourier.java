package dev.comity.accounting;

/// The discrete Fourier transform of complex vectors whose length is a power of two, in place:
/// iterative, radix 2 (Cooley, Tukey 1965). Every twiddle factor comes straight from sine and
/// cosine, so the error grows with the logarithm of the length alone.
final class Fourier {
  private final int length;
  private final double[] cosine;
  private final double[] sine;

  /// @param length a power of two, at least 2
  Fourier(int length) {
    if (length < 2 || Integer.bitCount(length) != 1) {
      throw new IllegalArgumentException("length " + length + ": must be a power of two above 1");
    }
    this.length = length;
    cosine = new double[length / 2];
    sine = new double[length / 2];
    for (int i = 0; i < length / 2; i++) {
      double angle = 2 * Math.PI * i / length;
      cosine[i] = Math.cos(angle);
      sine[i] = Math.sin(angle);
    }
  }

  /// `X_k = Σ_j x_j·e^(−2πi·jk/length)`.
  void forward(double[] real, double[] imaginary) {
    transform(real, imaginary);
  }

  /// `x_j = (1/length)·Σ_k X_k·e^(2πi·jk/length)`.
  void inverse(double[] real, double[] imaginary) {
    transform(imaginary, real); // exchanging the parts conjugates, up to a factor i on both sides
    for (int i = 0; i < length; i++) {
      real[i] /= length;
      imaginary[i] /= length;
    }
  }

  private void transform(double[] real, double[] imaginary) {
    if (real.length != length || imaginary.length != length) {
      throw new IllegalArgumentException(
          "parts of %d and %d numbers: must have %d"
              .formatted(real.length, imaginary.length, length));
    }
    reverseBits(real, imaginary);
    for (int half = 1; half < length; half *= 2) {
      int stride = length / (2 * half);
      for (int block = 0; block < length; block += 2 * half) {
        for (int i = 0; i < half; i++) {
          double c = cosine[i * stride];
          double s = sine[i * stride];
          int even = block + i;
          int odd = even + half;
          double re = real[odd] * c + imaginary[odd] * s;
          double im = imaginary[odd] * c - real[odd] * s;
          real[odd] = real[even] - re;
          imaginary[odd] = imaginary[even] - im;
          real[even] += re;
          imaginary[even] += im;
        }
      }
    }
  }

  private void reverseBits(double[] real, double[] imaginary) {
    int shift = Integer.numberOfLeadingZeros(length) + 1;
    for (int i = 0; i < length; i++) {
      int j = Integer.reverse(i) >>> shift;
      if (i < j) {
        double re = real[i];
        real[i] = real[j];
        real[j] = re;
        double im = imaginary[i];
        imaginary[i] = imaginary[j];
        imaginary[j] = im;
      }
    }
  }
}
