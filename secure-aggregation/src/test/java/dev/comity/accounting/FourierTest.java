package dev.comity.accounting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FourierTest {
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 8, 64, 512})
  void agreesWithTheDefinitionAndBack(int length) {
    Random random = new Random(length);
    double[] real = random.doubles(length).toArray();
    double[] imaginary = random.doubles(length).toArray();
    double[] re = real.clone();
    double[] im = imaginary.clone();
    Fourier fourier = new Fourier(length);

    fourier.forward(re, im);

    for (int k = 0; k < length; k++) {
      double sumReal = 0;
      double sumImaginary = 0;
      for (int j = 0; j < length; j++) {
        double angle = -2 * Math.PI * ((long) j * k % length) / length;
        sumReal += real[j] * Math.cos(angle) - imaginary[j] * Math.sin(angle);
        sumImaginary += real[j] * Math.sin(angle) + imaginary[j] * Math.cos(angle);
      }
      assertThat(re[k]).isCloseTo(sumReal, within(1e-11));
      assertThat(im[k]).isCloseTo(sumImaginary, within(1e-11));
    }

    fourier.inverse(re, im);

    for (int j = 0; j < length; j++) {
      assertThat(re[j]).isCloseTo(real[j], within(1e-15 * 10));
      assertThat(im[j]).isCloseTo(imaginary[j], within(1e-15 * 10));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 12})
  void refusesOtherLengthsThanPowersOfTwo(int length) {
    assertThatThrownBy(() -> new Fourier(length))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("length " + length + ": must be a power of two above 1");
  }

  @Test
  void refusesPartsOfAnotherLength() {
    assertThatThrownBy(() -> new Fourier(4).forward(new double[4], new double[8]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("parts of 4 and 8 numbers: must have 4");
  }
}
