package dev.comity.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class CborTest {
  private static final long SEED = 20_261_123;

  /// RFC 8949, appendix A, where the subset applies.
  static Stream<Arguments> publishedVectors() {
    return Stream.of(
        vector("00", whole(0)),
        vector("01", whole(1)),
        vector("0a", whole(10)),
        vector("17", whole(23)),
        vector("1818", whole(24)),
        vector("1819", whole(25)),
        vector("1864", whole(100)),
        vector("1903e8", whole(1000)),
        vector("1a000f4240", whole(1_000_000)),
        vector("1b000000e8d4a51000", whole(1_000_000_000_000L)),
        vector("20", whole(-1)),
        vector("29", whole(-10)),
        vector("3863", whole(-100)),
        vector("3903e7", whole(-1000)),
        vector("fb3ff199999999999a", new CborValue.Real(1.1)),
        vector("fb7e37e43c8800759c", new CborValue.Real(1.0e300)),
        vector("fbc010666666666666", new CborValue.Real(-4.1)),
        vector("f4", new CborValue.Flag(false)),
        vector("f5", new CborValue.Flag(true)),
        vector("40", new CborValue.Binary(Bytes.empty())),
        vector("4401020304", new CborValue.Binary(Bytes.of(new byte[] {1, 2, 3, 4}))),
        vector("60", new CborValue.Text("")),
        vector("6161", new CborValue.Text("a")),
        vector("6449455446", new CborValue.Text("IETF")),
        vector("62225c", new CborValue.Text("\"\\")),
        vector("62c3bc", new CborValue.Text("\u00fc")),
        vector("63e6b0b4", new CborValue.Text("\u6c34")),
        vector("64f0908591", new CborValue.Text("\ud800\udd51")),
        vector("80", list()),
        vector("83010203", list(whole(1), whole(2), whole(3))),
        vector(
            "8301820203820405", list(whole(1), list(whole(2), whole(3)), list(whole(4), whole(5)))),
        vector(
            "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
            list(
                LongStream.rangeClosed(1, 25).mapToObj(CborTest::whole).toArray(CborValue[]::new))),
        vector("a0", CborWriter.map()),
        vector("a26161016162820203", CborWriter.map().integer("a", 1).integers("b", List.of(2, 3))),
        vector(
            "a56161614161626142616361436164614461656145",
            CborWriter.map()
                .text("e", "E")
                .text("d", "D")
                .text("c", "C")
                .text("b", "B")
                .text("a", "A")));
  }

  @ParameterizedTest
  @MethodSource("publishedVectors")
  void encodesAndDecodesThePublishedVectors(String hex, CborValue value) {
    byte[] bytes = HexFormat.of().parseHex(hex);

    assertThat(CborEncoder.encode(value)).isEqualTo(bytes);
    assertThat(CborDecoder.decode(bytes, "vector")).isEqualTo(value);
  }

  @ParameterizedTest
  @CsvSource({
    "1bffffffffffffffff, beyond 64 bits",
    "3bffffffffffffffff, beyond 64 bits",
    "c249010000000000000000, tag",
    "c11a514b67b0, tag",
    "f90000, initial byte 0xf9",
    "fa47c35000, initial byte 0xfa",
    "f6, initial byte 0xf6",
    "f7, initial byte 0xf7",
    "fb7ff0000000000000, not finite",
    "fb7ff8000000000000, not finite",
    "5f42010243030405ff, indefinite",
    "9fff, indefinite",
    "bfff, indefinite",
    "a201020304, map key that is not a text",
    "1817, shortest",
    "190018, shortest",
    "1a0000ffff, shortest",
    "1b00000000ffffffff, shortest",
    "580100, shortest",
    "0000, 1 trailing bytes",
    "a2616202616101, out of order",
    "a262616101616202, out of order",
    "a2616101616102, twice",
    "61ff, not UTF-8",
    "62c080, not UTF-8",
    "4401, ends early",
    "'', ends early",
    "9b7fffffffffffffff, count of",
    "818181818181818181818181818181818100, nesting deeper than 16"
  })
  void refusesEveryOtherForm(String hex, String sentence) {
    byte[] bytes = HexFormat.of().parseHex(hex);

    assertThatThrownBy(() -> CborDecoder.decode(bytes, "Doc"))
        .isInstanceOf(MalformedException.class)
        .hasMessageStartingWith("Doc: ")
        .hasMessageContaining(sentence);
  }

  @Test
  void whateverDecodesEncodesToTheSameBytes() {
    Random random = new Random(SEED);
    int decoded = 0;

    for (int round = 0; round < 200_000; round++) {
      byte[] bytes = new byte[1 + random.nextInt(12)];
      random.nextBytes(bytes);
      CborValue value;
      try {
        value = CborDecoder.decode(bytes, "random");
      } catch (MalformedException e) {
        continue;
      }
      decoded++;
      assertThat(CborEncoder.encode(value)).as("seed %d, round %d", SEED, round).isEqualTo(bytes);
    }

    assertThat(decoded).isGreaterThan(1000);
  }

  @Test
  void everyIntegerFloatAndTextSurvives() {
    Random random = new Random(SEED);

    for (int round = 0; round < 20_000; round++) {
      long integer = random.nextLong() >> random.nextInt(64);
      double real = random.nextGaussian() * Math.pow(10, random.nextInt(-300, 300));
      String text = "x" + Character.toString(' ' + random.nextInt(0xD7FF - ' '));
      byte[] bytes =
          CborWriter.map().integer("i", integer).real("r", real).text("t", text).toBytes();

      CborReader in = CborReader.map(bytes, "Doc");

      assertThat(in.integer("i")).as("seed %d, round %d", SEED, round).isEqualTo(integer);
      assertThat(in.real("r")).isEqualTo(real);
      assertThat(in.text("t")).isEqualTo(text);
      in.end();
    }
  }

  @Test
  void namesAnUnknownField() {
    byte[] bytes = CborWriter.map().map("terms", CborWriter.map().integer("foo", 1)).toBytes();

    assertThatThrownBy(() -> CborReader.read(bytes, "RoundPlan", in -> in.map("terms", _ -> 0)))
        .isInstanceOf(MalformedException.class)
        .hasMessageStartingWith("unknown field \"foo\" in RoundPlan.terms");
  }

  @Test
  void aHostileFieldNameStaysOneShortLine() {
    byte[] bytes = CborWriter.map().integer("a\nb" + "x".repeat(10_000), 1).toBytes();

    assertThatThrownBy(() -> CborReader.map(bytes, "Doc").end())
        .isInstanceOf(MalformedException.class)
        .hasMessageStartingWith("unknown field \"a?bxxx")
        .satisfies(e -> assertThat(e.getMessage()).hasSize(500));
  }

  @Test
  void namesAMissingField() {
    CborReader in = CborReader.map(CborWriter.map().toBytes(), "RoundPlan");

    assertThatThrownBy(() -> in.text("study"))
        .isInstanceOf(MalformedException.class)
        .hasMessage("missing field \"study\" in RoundPlan");
  }

  @Test
  void namesAFieldOfTheWrongType() {
    CborReader in = CborReader.map(CborWriter.map().text("round", "one").toBytes(), "RoundPlan");

    assertThatThrownBy(() -> in.integer("round"))
        .isInstanceOf(MalformedException.class)
        .hasMessage("RoundPlan.round: a text; must be an integer");
  }

  @Test
  void namesAnIntegerThatIsTooLargeAndBytesOfTheWrongSize() {
    CborReader in =
        CborReader.map(
            CborWriter.map().integer("n", 1L << 31).bytes("digest", new byte[31]).toBytes(), "Doc");

    assertThatThrownBy(() -> in.int32("n")).hasMessageStartingWith("Doc.n: 2147483648; must be");
    assertThatThrownBy(() -> in.bytes("digest", 32)).hasMessage("Doc.digest: 31 bytes; must be 32");
  }

  @Test
  void tellsWhereARecordRefusedItsFields() {
    byte[] bytes =
        CborWriter.map()
            .maps("items", List.of(1, 2), n -> CborWriter.map().integer("n", n))
            .toBytes();

    assertThatThrownBy(() ->
            CborReader.read(
                bytes,
                "Doc",
                in ->
                    in.maps(
                        "items",
                        item -> {
                          if (item.integer("n") == 2) {
                            throw new IllegalArgumentException("n must be 1");
                          }
                          return 0;
                        })))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("Doc.items[1]: n must be 1");
  }

  @Test
  void refusesToWriteANumberThatIsNotFinite() {
    assertThatThrownBy(() -> CborWriter.map().real("x", Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("x must be finite, was NaN");
  }

  @Test
  void bytesAreSafeFromTheirSource() {
    byte[] source = {1, 2};
    Bytes bytes = Bytes.of(source);

    source[0] = 9;
    bytes.toByteArray()[1] = 9;

    assertThat(bytes).isEqualTo(Bytes.of(new byte[] {1, 2})).hasToString("Bytes[2]");
  }

  private static Arguments vector(String hex, CborValue value) {
    return Arguments.of(hex, value);
  }

  private static Arguments vector(String hex, CborWriter value) {
    return Arguments.of(hex, CborDecoder.decode(value.toBytes(), "vector"));
  }

  private static CborValue whole(long value) {
    return new CborValue.Whole(value);
  }

  private static CborValue list(CborValue... items) {
    return new CborValue.Sequence(List.of(items));
  }
}
