package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.Suite;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// What holds whichever cipher makes the masks.
class GeneratorTest {
  /// More than one tile.
  private static final int PARAMETERS = 200_001;

  static Stream<Arguments> generatorsAndWidths() {
    return Stream.of(Suite.Generator.values())
        .flatMap(generator -> Stream.of(32, 24, 16).map(bits -> Arguments.of(generator, bits)));
  }

  @ParameterizedTest
  @MethodSource("generatorsAndWidths")
  void everyByteIsThatOfTheKeysOneStream(Suite.Generator generator, int bits) {
    var layout = Sites.layout(bits, 8, PARAMETERS);
    var zero = Ring.allocate(layout);
    var stream = Keystream.of(generator);
    var key = key(generator, 1);

    var masked = new NoisedUpdate(layout, zero).mask(List.of(new Mask(key, true)));

    byte[] actual = masked.ring().toArray(ValueLayout.JAVA_BYTE);
    byte[] expected = new byte[actual.length];
    key.start(stream, 0);
    for (int at = 0; at < expected.length; at += 1000) {
      int bytes = Math.min(1000, expected.length - at);
      System.arraycopy(stream.next(bytes).toArray(ValueLayout.JAVA_BYTE), 0, expected, at, bytes);
    }
    assertThat(Arrays.mismatch(actual, expected)).isEqualTo(-1);
  }

  @ParameterizedTest
  @MethodSource("generatorsAndWidths")
  void theMasksComeOffOnAnyNumberOfThreads(Suite.Generator generator, int bits) {
    var layout = Sites.layout(bits, 8, PARAMETERS);
    List<Mask> masks =
        IntStream.range(0, 3).mapToObj(i -> new Mask(key(generator, i), i % 2 == 0)).toList();
    var noised = Sites.noised(3, layout);
    var masked = noised.mask(masks);

    for (int threads : new int[] {1, 3}) {
      var sum = new SumAccumulator(layout, threads);
      sum.add(masked);
      sum.remove(masks);

      var plain = new SumAccumulator(layout, 1);
      plain.add(new MaskedUpdate(layout, noised.ring()));
      assertThat(sum.decode(1).encode()).isEqualTo(plain.decode(1).encode());
    }
  }

  @ParameterizedTest
  @EnumSource(Suite.Generator.class)
  void theSameBytesAreTheSameKeyOnlyForOneGenerator(Suite.Generator generator) {
    for (var other : Suite.Generator.values()) {
      assertThat(key(generator, 1).equals(key(other, 1))).isEqualTo(generator == other);
    }
  }

  @Test
  void aKeyIsForAesUnlessItSaysOtherwise() {
    assertThat(MaskKey.of(new byte[32]))
        .isEqualTo(MaskKey.of(Suite.Generator.AES_256_CTR, new byte[32]));
  }

  private static MaskKey key(Suite.Generator generator, int i) {
    byte[] secret = new byte[MaskKey.BYTES];
    secret[7] = (byte) i;
    return MaskKey.of(generator, secret);
  }
}
