package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

class RoundingKeyTest {

  @Test
  void theKeyIsHkdfOfTheSecretOverRunKindAndBase() throws Exception {
    byte[] secret = HexFormat.of().parseHex("0f".repeat(32));
    var run = new RunId(UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"));
    float[] base = {1};
    byte[] baseBytes = {0, 0, (byte) 0x80, 0x3f}; // 1.0f, little-endian
    var info = new ByteArrayOutputStream();
    info.writeBytes("comity rounding v1\0".getBytes(StandardCharsets.UTF_8));
    info.writeBytes(HexFormat.of().parseHex("00112233445566778899aabbccddeeff"));
    info.write(8);
    info.writeBytes("EVALUATE".getBytes(StandardCharsets.UTF_8));
    info.writeBytes(new byte[] {0, 0, 0, 7});
    info.writeBytes(Digest.of(baseBytes).bytes());
    info.write(1); // the counter of HKDF-Expand
    byte[] expectedKey = hmac(hmac(new byte[32], secret), info.toByteArray());

    var actual = new AesKeystream();
    RoundingKey.derive(secret, run, RunKind.EVALUATE, 7, base).start(actual);

    var expected = new AesKeystream();
    expected.start(expectedKey, 0);
    assertThat(actual.next(64).toArray(ValueLayout.JAVA_BYTE))
        .isEqualTo(expected.next(64).toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void aShortSecretIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> RoundingKey.derive(new byte[31], RunId.random(), RunKind.TRAIN, 0, new float[1]))
        .withMessage("site secret of 31 bytes: must have at least 32");
  }

  @Test
  void aKeyShowsNothing() {
    assertThat(Sites.roundingKey(1).toString()).isEqualTo("RoundingKey[redacted]");
  }

  private static byte[] hmac(byte[] key, byte[] message) throws GeneralSecurityException {
    var mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(message);
  }
}
