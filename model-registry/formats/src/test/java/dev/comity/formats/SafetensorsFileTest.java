package dev.comity.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
  private static final float[] GOLDEN_FLOATS = {1f, -0.5f, 0.25f, 3f, Float.MIN_VALUE, -65504f};

  @TempDir private Path folder;

  @Test
  void theGoldenFileIsReadTensorByTensor() throws IOException {
    var path = Files.write(folder.resolve("golden.safetensors"), golden());

    var file = SafetensorsFile.open(path);

    assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
    assertThat(file.tensors())
        .containsExactly(
            new TensorInfo("count", ElementType.I64, List.of(), 0, 8),
            new TensorInfo("w", ElementType.F32, List.of(2L, 3L), 8, 32));
    assertThat(file.floats("w")).containsExactly(GOLDEN_FLOATS);
    assertThat(
            file.data(file.tensors().getFirst())
                .get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0))
        .isEqualTo(-2);
  }

  @Test
  void theWriterMakesTheGoldenFileWithTheLargerTypeFirst() throws IOException {
    var count = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, -2).array();

    byte[] written =
        new SafetensorsWriter()
            .floats("w", List.of(2L, 3L), GOLDEN_FLOATS)
            .tensor("count", ElementType.I64, List.of(), MemorySegment.ofArray(count))
            .metadata("format", "pt")
            .toBytes();

    assertThat(written).isEqualTo(golden());
  }

  @Test
  void dataStartAtAMultipleOf64WhateverTheHeaderNeeds() {
    for (int length = 1; length <= 130; length++) {
      var bytes =
          new SafetensorsWriter().floats("x".repeat(length), List.of(1L), new float[1]).toBytes();

      assertThat(bytes.length - Float.BYTES).isPositive();
      assertThat((bytes.length - Float.BYTES) % SafetensorsWriter.ALIGNMENT).isZero();
    }
  }

  @Test
  void namesAndMetadataOfAnyScriptComeBackAsTheyWere() {
    var name = "Gewicht \"ß\"\\\n重み\u0001";
    var bytes =
        new SafetensorsWriter()
            .metadata("ключ", "значение\t\"")
            .floats(name, List.of(2L), new float[] {1, 2})
            .toBytes();

    var file = SafetensorsFile.of(bytes);

    assertThat(file.metadata()).isEqualTo(Map.of("ключ", "значение\t\""));
    assertThat(file.floats(name)).containsExactly(1, 2);
  }

  @Test
  void anEmptyTensorAndAFileWithoutTensorsAreLegal() {
    var empty =
        SafetensorsFile.of(
            new SafetensorsWriter()
                .floats("none", List.of(0L, 7L), new float[0])
                .floats("one", List.of(1L), new float[] {5})
                .toBytes());

    assertThat(empty.floats("none")).isEmpty();
    assertThat(empty.floats("one")).containsExactly(5);
    assertThat(SafetensorsFile.of(new SafetensorsWriter().toBytes()).tensors()).isEmpty();
  }

  @Test
  void aTensorLargerThanOneTileIsWrittenWhole() {
    var random = new SplittableRandom(7);
    var values = new float[100_003];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }

    var bytes = new SafetensorsWriter().floats("w", List.of(100_003L), values).toBytes();

    assertThat(SafetensorsFile.of(bytes).floats("w")).containsExactly(values);
  }

  /// Each row: a header, the bytes of data behind it, what the refusal must say.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}|4|tensor "a": F32 [2] needs 8 bytes, but data_offsets [0, 4] hold 4
          {"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}|8|tensor "a": data_offsets [4, 8] leave a hole, expected to start at 0
          {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}|6|tensor "b": data_offsets [2, 6] overlap another tensor, expected to start at 4
          {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}|5|the tensors take 4 bytes, but the file holds 5 bytes of data
          {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}|3|the tensors take 4 bytes, but the file holds 3 bytes of data
          {"a":{"dtype":"U8","shape":[0],"data_offsets":[4,0]}}|0|tensor "a": data_offsets [4, 0] must be ordered
          {"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,4]}}|4|tensor "a" shape: element 0 must be a whole number >= 0
          {"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}|4|tensor "a" shape: element 0 must be a whole number >= 0
          {"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}}|0|more than 9223372036854775807 bytes
          {"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,4]}}|4|not the JSON that safetensors allows
          {"a":{"dtype":"C7","shape":[4],"data_offsets":[0,4]}}|4|tensor "a": unknown dtype "C7"; known: F64, I64
          {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}}|4|tensor "a" has an unknown key "x"
          {"a":{"dtype":"U8","shape":[4]}}|4|tensor "a" must have dtype, shape, data_offsets
          {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,2,4]}}|4|tensor "a": data_offsets must be 2 numbers, found 3
          {"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}|4|not the JSON that safetensors allows
          {"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}|4|not the JSON that safetensors allows
          {"a":[]}|0|tensor "a" must be an object
          {"__metadata__":{"round":3}}|0|__metadata__ "round" must be a string
          {"__metadata__":[]}|0|__metadata__ must be an object of strings
          {"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]|4|not the JSON that safetensors allows
          {} x|0|only spaces may follow the header's JSON
          [ ]|0|the header must start with '{'
          """)
  void aHeaderThatBreaksTheFormatIsRefusedByNameAndNumber(String json, int data, String says) {
    var file = file(json.getBytes(StandardCharsets.UTF_8), data);

    assertThatThrownBy(() -> SafetensorsFile.of(file))
        .isInstanceOf(MalformedSafetensorsException.class)
        .hasMessageContaining(says);
  }

  @Test
  void aHeaderLengthBeyondTheLimitOrTheFileIsRefused() {
    assertRefused(
        length(100_000_001, 16), "header length 100000001 must be between 2 and 100000000");
    assertRefused(length(-1, 16), "header length 18446744073709551615 must be");
    assertRefused(length(0, 16), "header length 0 must be");
    assertRefused(length(17, 16), "header length 17, but only 16 bytes follow it");
    assertRefused(new byte[7], "the file has 7 bytes");
  }

  @Test
  void aHeaderInAnotherEncodingIsRefused() {
    assertRefused(file("{}".getBytes(StandardCharsets.UTF_16LE), 0), "not the JSON");
    assertRefused(file(new byte[] {'{', '"', (byte) 0xff, '"', '}'}, 0), "not UTF-8");
  }

  @Test
  void aHostileNameIsShortenedAndCleanedInTheMessage() {
    var json = "{\"" + "\\n".repeat(50) + "x".repeat(1000) + "\":1}";

    assertThatThrownBy(() -> SafetensorsFile.of(file(json.getBytes(StandardCharsets.UTF_8), 0)))
        .isInstanceOf(MalformedSafetensorsException.class)
        .hasMessage("tensor \"" + "?".repeat(50) + "x".repeat(50) + "…\" must be an object");
  }

  @Test
  void onlyFloat32IsReadAsFloats() {
    var file = SafetensorsFile.of(golden());

    assertThatThrownBy(() -> file.floats("count"))
        .isInstanceOf(MalformedSafetensorsException.class)
        .hasMessage("tensor \"count\" is I64; only F32 can be read as floats");
    assertThatThrownBy(() -> file.floats("bias"))
        .isInstanceOf(MalformedSafetensorsException.class)
        .hasMessage("the file has no tensor \"bias\"");
  }

  @Test
  void theWriterRefusesATakenNameAndAWrongSize() {
    var writer = new SafetensorsWriter().floats("w", List.of(1L), new float[1]);

    assertThatThrownBy(() -> writer.floats("w", List.of(1L), new float[1]))
        .hasMessageContaining("tensor name w is taken");
    assertThatThrownBy(() -> writer.floats("__metadata__", List.of(1L), new float[1]))
        .hasMessageContaining("tensor name __metadata__ is taken");
    assertThatThrownBy(() -> writer.floats("b", List.of(2L), new float[1]))
        .hasMessage("tensor b: F32 [2] needs 8 bytes, got 4");
  }

  /// Changed, cut and extended files are read or refused, never anything else.
  @Test
  void noDamageLeadsToAnythingButATypedRefusal() {
    long seed = 20_250_101;
    var random = new SplittableRandom(seed);
    var golden = golden();
    int refused = 0;
    for (int round = 0; round < 30_000; round++) {
      var damaged = damage(golden, random);
      try {
        var file = SafetensorsFile.of(damaged);
        for (var tensor : file.tensors()) {
          assertThat(file.data(tensor).byteSize()).isEqualTo(tensor.byteSize());
        }
      } catch (MalformedSafetensorsException e) {
        refused++;
      } catch (RuntimeException | StackOverflowError e) {
        throw new AssertionError("seed " + seed + ", round " + round, e);
      }
    }
    assertThat(refused).isBetween(1_000, 29_999);
  }

  private static byte[] damage(byte[] golden, SplittableRandom random) {
    int header = golden.length - 32;
    var bytes = golden.clone();
    for (int changes = random.nextInt(1, 4); changes > 0; changes--) {
      int at = random.nextInt(0, header);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[random.nextInt(8)] = (byte) random.nextInt();
        case 2 -> bytes[at] = (byte) "{}[]\",:0123456789-e\\ ".charAt(random.nextInt(21));
        case 3 -> System.arraycopy(golden, random.nextInt(8, header - 16), bytes, at / 2 + 8, 16);
        case 4 -> bytes[golden.length - 1 - random.nextInt(32)] = (byte) random.nextInt();
        default -> throw new AssertionError("nextInt(5) is at most 4");
      }
    }
    int cut = random.nextInt(8) == 0 ? random.nextInt(golden.length + 8) : golden.length;
    return Arrays.copyOf(bytes, cut);
  }

  private static void assertRefused(byte[] file, String says) {
    assertThatThrownBy(() -> SafetensorsFile.of(file))
        .isInstanceOf(MalformedSafetensorsException.class)
        .hasMessageContaining(says);
  }

  private static byte[] length(long length, int following) {
    return ByteBuffer.allocate(8 + following)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(0, length)
        .array();
  }

  private static byte[] file(byte[] header, int data) {
    return ByteBuffer.allocate(8 + header.length + data)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }

  private static byte[] golden() {
    try (var in = SafetensorsFileTest.class.getResourceAsStream("golden.safetensors")) {
      return Objects.requireNonNull(in).readAllBytes();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
