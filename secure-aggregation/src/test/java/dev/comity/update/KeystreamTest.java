package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class KeystreamTest {
  private static final HexFormat HEX = HexFormat.of();

  /// NIST SP 800-38A, F.5.5, CTR-AES256.Encrypt.
  @Test
  void theStreamEncryptsThePublishedVector() {
    byte[] key = HEX.parseHex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    byte[] counter = HEX.parseHex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    byte[] plaintext =
        HEX.parseHex(
            "6bc1bee22e409f96e93d7e117393172a"
                + "ae2d8a571e03ac9c9eb76fac45af8e51"
                + "30c81c46a35ce411e5fbc1191a0a52ef"
                + "f69f2445df4f9b17ad2b417be66c3710");
    var stream = new AesKeystream();

    stream.start(key, counter);
    byte[] bytes = stream.next(plaintext.length).toArray(ValueLayout.JAVA_BYTE);

    for (int i = 0; i < bytes.length; i++) {
      bytes[i] ^= plaintext[i];
    }
    assertThat(HEX.formatHex(bytes))
        .isEqualTo(
            "601ec313775789a5b7a7f504bbf3d228"
                + "f443e3ca4d62b59aca84e990cacaf5c5"
                + "2b0930daa23de94ce87017ba2d84988d"
                + "dfc9c58db67aada613c2dd08457941a6");
  }

  @Test
  void aStreamStartedInTheMiddleContinuesTheStreamFromItsBeginning() {
    byte[] key = new byte[32];
    key[5] = 9;
    var fromBeginning = new AesKeystream();
    var fromMiddle = new AesKeystream();

    fromBeginning.start(key, 0);
    byte[] whole = fromBeginning.next(Keystream.STEP).toArray(ValueLayout.JAVA_BYTE);

    for (int offset : new int[] {0, 16, 32, 1024, 4080}) {
      fromMiddle.start(key, offset);
      byte[] rest = fromMiddle.next(Keystream.STEP - offset).toArray(ValueLayout.JAVA_BYTE);
      assertThat(rest).isEqualTo(Arrays.copyOfRange(whole, offset, whole.length));
    }
  }

  @Test
  void theCounterCarriesIntoItsUpperHalves() {
    byte[] key = new byte[32];
    var stream = new AesKeystream();

    stream.start(key, 16L * 0x1_0000_0001L);
    byte[] bySeek = stream.next(16).toArray(ValueLayout.JAVA_BYTE);
    stream.start(key, HEX.parseHex("00000000000000000000000100000001"));
    byte[] byCounter = stream.next(16).toArray(ValueLayout.JAVA_BYTE);

    assertThat(bySeek).isEqualTo(byCounter);
  }

  @Test
  void anOffsetInsideABlockIsRefused() {
    assertThatThrownBy(() -> new AesKeystream().start(new byte[32], 8))
        .hasMessage("offset 8: must be a multiple of 16");
  }
}
