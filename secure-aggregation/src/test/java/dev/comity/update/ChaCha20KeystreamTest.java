package dev.comity.update;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class ChaCha20KeystreamTest {
  private static final HexFormat HEX = HexFormat.of();
  private static final byte[] KEY =
      HEX.parseHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");

  /// RFC 8439 §2.3.2: one block.
  @Test
  void theBlockIsThePublishedOne() {
    var stream = new ChaCha20Keystream();

    stream.start(KEY, HEX.parseHex("000000090000004a00000000"), 1);

    assertThat(HEX.formatHex(next(stream, 64)))
        .isEqualTo(
            "10f1e7e4d13b5915500fdd1fa32071c4"
                + "c7d1f4c733c068030422aa9ac3d46c4e"
                + "d2826446079faa0914c2d705d98b02a2"
                + "b5129cd1de164eb9cbd083e8a2503c4e");
  }

  /// RFC 8439 §2.4.2: 114 bytes of text, two blocks.
  @Test
  void theStreamEncryptsThePublishedText() {
    byte[] text =
        ("Ladies and Gentlemen of the class of '99: If I could offer you "
                + "only one tip for the future, sunscreen would be it.")
            .getBytes(US_ASCII);
    var stream = new ChaCha20Keystream();

    stream.start(KEY, HEX.parseHex("000000000000004a00000000"), 1);
    byte[] bytes = next(stream, text.length);

    for (int i = 0; i < bytes.length; i++) {
      bytes[i] ^= text[i];
    }
    assertThat(HEX.formatHex(bytes))
        .isEqualTo(
            "6e2e359a2568f98041ba0728dd0d6981"
                + "e97e7aec1d4360c20a27afccfd9fae0b"
                + "f91b65c5524733ab8f593dabcd62b357"
                + "1639d624e65152ab8f530c359f0861d8"
                + "07ca0dbf500d6a6156a38e088a22b65e"
                + "52bc514d16ccf806818ce91ab7793736"
                + "5af90bbf74a35be6b40b8eedf2785e42"
                + "874d");
  }

  @Test
  void aMaskBeginsAtBlockZeroWithAZeroNonce() {
    var mask = new ChaCha20Keystream();
    var expected = new ChaCha20Keystream();

    mask.start(KEY, 0);
    expected.start(KEY, new byte[12], 0);

    assertThat(next(mask, Keystream.STEP)).isEqualTo(next(expected, Keystream.STEP));
  }

  @Test
  void aStreamStartedInTheMiddleContinuesTheStreamFromItsBeginning() {
    var fromBeginning = new ChaCha20Keystream();
    var fromMiddle = new ChaCha20Keystream();

    fromBeginning.start(KEY, 0);
    byte[] whole = next(fromBeginning, Keystream.STEP);

    for (int offset : new int[] {0, 64, 128, 1024, 4032}) {
      fromMiddle.start(KEY, offset);
      assertThat(next(fromMiddle, Keystream.STEP - offset))
          .isEqualTo(Arrays.copyOfRange(whole, offset, whole.length));
    }
  }

  @Test
  void theBlockCounterHasNoSign() {
    var bySeek = new ChaCha20Keystream();
    var byCounter = new ChaCha20Keystream();

    bySeek.start(KEY, 64 * 0x8000_0001L);
    byCounter.start(KEY, new byte[12], 0x8000_0001);

    assertThat(next(bySeek, 64)).isEqualTo(next(byCounter, 64));
  }

  @Test
  void anOffsetInsideABlockOrBeyondTheStreamIsRefused() {
    assertThatThrownBy(() -> new ChaCha20Keystream().start(KEY, 16))
        .hasMessage("offset 16: must be a multiple of 64");
    assertThatThrownBy(() -> new ChaCha20Keystream().start(KEY, 1L << 38))
        .hasMessageContaining("a ChaCha20 stream has 2^38 bytes");
  }

  private static byte[] next(ChaCha20Keystream stream, int bytes) {
    return stream.next(bytes).toArray(ValueLayout.JAVA_BYTE);
  }
}
