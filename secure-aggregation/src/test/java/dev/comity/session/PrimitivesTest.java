package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The primitives behind the session's wrappers, held against published vectors.
class PrimitivesTest {
  private static final HexFormat HEX = HexFormat.of();

  @Test
  void x25519GivesTheScalarMultiplicationsOfRfc7748Section52() {
    assertThat(
            HEX.formatHex(
                X25519.agree(
                    HEX.parseHex(
                        "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                    HEX.parseHex(
                        "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"))))
        .isEqualTo("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  }

  @Test
  void x25519GivesTheKeysAndTheSecretOfRfc7748Section61() {
    byte[] alice = HEX.parseHex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    byte[] bob = HEX.parseHex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    String alicePublic = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    String bobPublic = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    String shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

    assertThat(HEX.formatHex(X25519.publicKey(alice))).isEqualTo(alicePublic);
    assertThat(HEX.formatHex(X25519.publicKey(bob))).isEqualTo(bobPublic);
    assertThat(HEX.formatHex(X25519.agree(alice, HEX.parseHex(bobPublic)))).isEqualTo(shared);
    assertThat(HEX.formatHex(X25519.agree(bob, HEX.parseHex(alicePublic)))).isEqualTo(shared);
  }

  @Test
  void hkdfGivesTheVectorsOfRfc5869() {
    assertThat(
            HEX.formatHex(
                Derivation.expand(
                    HEX.parseHex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                    HEX.parseHex("000102030405060708090a0b0c"),
                    HEX.parseHex("f0f1f2f3f4f5f6f7f8f9"),
                    42)))
        .isEqualTo(
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    assertThat(
            HEX.formatHex(Derivation.expand(range(0x00, 80), range(0x60, 80), range(0xb0, 80), 82)))
        .isEqualTo(
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
    assertThat(
            HEX.formatHex(
                Derivation.expand(
                    HEX.parseHex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"),
                    new byte[0],
                    new byte[0],
                    42)))
        .isEqualTo(
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  }

  private static byte[] range(int from, int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = (byte) (from + i);
    }
    return bytes;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
      })
  void aPointOfSmallOrderIsRefused(String u) {
    assertThatThrownBy(() -> X25519.requireCanonical(HEX.parseHex(u), "key"))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("small order");
  }

  @Test
  void everyEncodingOfUAtOrAbovePIsRefused() {
    BigInteger p = BigInteger.ONE.shiftLeft(255).subtract(BigInteger.valueOf(19));
    List<BigInteger> tooLarge = new ArrayList<>();
    IntStream.range(0, 19).forEach(i -> tooLarge.add(p.add(BigInteger.valueOf(i))));
    tooLarge.add(BigInteger.valueOf(9).setBit(255));
    tooLarge.add(BigInteger.ONE.shiftLeft(256).subtract(BigInteger.ONE));

    for (BigInteger u : tooLarge) {
      assertThatThrownBy(() -> X25519.requireCanonical(littleEndian(u), "key"))
          .isInstanceOf(SessionRefusal.class)
          .hasMessageContaining("canonical");
    }
    X25519.requireCanonical(littleEndian(p.subtract(BigInteger.TWO)), "key");
  }

  @Test
  void aKeyOfAnotherLengthIsRefused() {
    assertThatThrownBy(() -> X25519.requireCanonical(new byte[31], "key"))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("31 bytes");
  }

  private static byte[] littleEndian(BigInteger value) {
    byte[] bytes = new byte[32];
    for (int i = 0; i < 32; i++) {
      bytes[i] = value.shiftRight(8 * i).byteValue();
    }
    return bytes;
  }

  @Test
  void aMerklePathLeadsToTheRootFromItsOwnLeafAlone() {
    for (int count = 1; count <= 9; count++) {
      List<Digest> leaves =
          IntStream.range(0, count).mapToObj(i -> Digest.of(new byte[] {(byte) i})).toList();
      MerkleTree tree = new MerkleTree(leaves);
      for (int i = 0; i < count; i++) {
        List<Digest> path = tree.path(i);

        assertThat(MerkleTree.leads(leaves.get(i), i, count, path, tree.root())).isTrue();
        assertThat(MerkleTree.leads(Digest.of(new byte[] {99}), i, count, path, tree.root()))
            .isFalse();
        if (count > 1) {
          assertThat(MerkleTree.leads(leaves.get(i), (i + 1) % count, count, path, tree.root()))
              .isFalse();
        }
      }
    }
  }
}
