package dev.comity.membership;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.util.HexFormat;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageKeyTest {
  /// RFC 8032, section 7.1, test 1.
  private static final String SEED =
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

  private static final String PUBLIC =
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  private static final String SIGNATURE_OF_NOTHING =
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
          + "d25bf5f0595bbe24655141438e7a100b";

  @TempDir Path folder;

  @Test
  void agreesWithRfc8032Test1() throws GeneralSecurityException {
    Signature signer = Ed25519.signature();
    signer.initSign(publishedPrivateKey());

    byte[] signature = signer.sign();

    assertThat(HexFormat.of().formatHex(signature)).isEqualTo(SIGNATURE_OF_NOTHING);
    Signature verifier = Ed25519.signature();
    verifier.initVerify(Ed25519.publicKey(HexFormat.of().parseHex(PUBLIC)));
    assertThat(verifier.verify(signature)).isTrue();
    assertThat(Ed25519.raw(Ed25519.publicKey(HexFormat.of().parseHex(PUBLIC))))
        .isEqualTo(HexFormat.of().parseHex(PUBLIC));
  }

  @Test
  void signsTheLabelAZeroByteAndTheContent() throws GeneralSecurityException {
    PrivateKey privateKey = publishedPrivateKey();
    MessageKey key = MessageKey.of(privateKey, MessagePublicKey.fromHex(PUBLIC));
    Signature plain = Ed25519.signature();
    plain.initSign(privateKey);
    plain.update("comity/1/membership\0content".getBytes(UTF_8));

    byte[] signature =
        key.sign(SignatureLabel.MEMBERSHIP, "con".getBytes(UTF_8), "tent".getBytes(UTF_8));

    assertThat(signature).isEqualTo(plain.sign());
    assertThat(
            key.publicKey().verify(SignatureLabel.MEMBERSHIP, signature, "content".getBytes(UTF_8)))
        .isTrue();
  }

  @ParameterizedTest
  @EnumSource(SignatureLabel.class)
  void aSignatureIsWorthNothingUnderAnyOtherLabel(SignatureLabel label) {
    MessageKey key = MessageKey.generate();
    byte[] content = {1, 2, 3};
    byte[] signature = key.sign(label, content);

    for (SignatureLabel other : SignatureLabel.values()) {
      assertThat(key.publicKey().verify(other, signature, content)).isEqualTo(other == label);
    }
  }

  @Test
  void refusesChangedContentSignaturesAndOtherKeys() {
    MessageKey key = MessageKey.generate();
    byte[] content = {1, 2, 3};
    byte[] signature = key.sign(SignatureLabel.VIEW, content);
    byte[] changed = signature.clone();
    changed[40] ^= 1;
    byte[] outOfRange = signature.clone();
    outOfRange[63] = (byte) 0xff;

    assertThat(key.publicKey().verify(SignatureLabel.VIEW, signature, new byte[] {1, 2})).isFalse();
    assertThat(key.publicKey().verify(SignatureLabel.VIEW, changed, content)).isFalse();
    assertThat(key.publicKey().verify(SignatureLabel.VIEW, outOfRange, content)).isFalse();
    assertThat(key.publicKey().verify(SignatureLabel.VIEW, new byte[63], content)).isFalse();
    assertThat(MessageKey.generate().publicKey().verify(SignatureLabel.VIEW, signature, content))
        .isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
      })
  void refusesPointsOfSmallOrder(String hex) {
    assertThatThrownBy(() -> MessagePublicKey.fromHex(hex))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("small order");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
      })
  void refusesEncodingsThatAreNotCanonical(String hex) {
    assertThatThrownBy(() -> MessagePublicKey.fromHex(hex))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not canonical");
  }

  @Test
  void refusesWhatIsNoPoint() {
    String notOnCurve = "0200000000000000000000000000000000000000000000000000000000000000";

    assertThatThrownBy(() -> MessagePublicKey.fromHex(notOnCurve))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no point of Ed25519");
    assertThatThrownBy(() -> MessagePublicKey.of(new byte[31]))
        .hasMessageContaining("32 bytes of Ed25519, found 31");
  }

  @Test
  void showsAFingerprintThatReadsBackInAnyForm() {
    MessagePublicKey key = MessagePublicKey.fromHex(PUBLIC);

    assertThat(key.displayFingerprint()).matches("([0-9a-f]{4}-){15}[0-9a-f]{4}");
    assertThat(MessagePublicKey.parseFingerprint(key.displayFingerprint()))
        .isEqualTo(key.fingerprint());
    assertThat(MessagePublicKey.parseFingerprint(key.fingerprint().hex().toUpperCase(Locale.ROOT)))
        .isEqualTo(key.fingerprint());
    assertThatThrownBy(() -> MessagePublicKey.parseFingerprint("12-34"))
        .hasMessageContaining("must be 64 hexadecimal digits");
  }

  @Test
  void aKeySurvivesItsFileWhichOnlyItsOwnerMayRead() throws Exception {
    MessageKey key = MessageKey.generate();
    Path file = folder.resolve("message.key");

    key.write(file);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    MessageKey read = MessageKey.read(file);
    assertThat(read.publicKey()).isEqualTo(key.publicKey());
    assertThat(read.sign(SignatureLabel.P1, new byte[5]))
        .isEqualTo(key.sign(SignatureLabel.P1, new byte[5]));
  }

  @Test
  void neverReplacesAKey() {
    Path file = folder.resolve("message.key");
    MessageKey.generate().write(file);

    assertThatThrownBy(() -> MessageKey.generate().write(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("already exists");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-r--r--", "rw----r--", "rw--w----"})
  void refusesAFileThatIsOpenToOthers(String permissions) throws Exception {
    Path file = folder.resolve("message.key");
    MessageKey.generate().write(file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));

    assertThatThrownBy(() -> MessageKey.read(file))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "open to others than its owner (" + permissions + "); run: chmod 600");
  }

  @Test
  void refusesFilesThatAreMissingGarbageOrMixed() throws Exception {
    Path one = folder.resolve("one");
    Path two = folder.resolve("two");
    MessageKey.generate().write(one);
    MessageKey.generate().write(two);
    String first = Files.readString(one);
    String second = Files.readString(two);
    Files.writeString(
        one,
        first.substring(0, first.indexOf("-----BEGIN PUBLIC"))
            + second.substring(second.indexOf("-----BEGIN PUBLIC")));
    Files.writeString(two, "garbage");

    assertThatThrownBy(() -> MessageKey.read(folder.resolve("none")))
        .hasMessageContaining("does not exist");
    assertThatThrownBy(() -> MessageKey.read(two)).hasMessageContaining("is not a key file");
    assertThatThrownBy(() -> MessageKey.read(one))
        .hasMessageContaining("does not hold an Ed25519 key pair");
  }

  @Test
  void neverShowsThePrivateHalf() throws Exception {
    MessageKey key = MessageKey.of(publishedPrivateKey(), MessagePublicKey.fromHex(PUBLIC));

    assertThat(key.toString()).contains("redacted").doesNotContainIgnoringCase(SEED);
  }

  private static PrivateKey publishedPrivateKey() throws GeneralSecurityException {
    return Ed25519.privateKey(HexFormat.of().parseHex("302e020100300506032b657004220420" + SEED));
  }
}
