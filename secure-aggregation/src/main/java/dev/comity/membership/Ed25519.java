package dev.comity.membership;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.HexFormat;

/// Ed25519 (RFC 8032) of the Java runtime, between raw keys and the runtime's own.
final class Ed25519 {
  static final String NAME = "Ed25519";
  static final int PUBLIC_KEY_SIZE = 32;
  static final int SIGNATURE_SIZE = 64;

  /// The constant start of a SubjectPublicKeyInfo; RFC 8410, section 4.
  private static final byte[] SPKI_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");

  private Ed25519() {}

  static KeyPair generate(SecureRandom random) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(NAME);
      generator.initialize(NamedParameterSpec.ED25519, random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw lacking(e);
    }
  }

  static PublicKey publicKey(byte[] raw) throws InvalidKeySpecException {
    byte[] spki = new byte[SPKI_PREFIX.length + PUBLIC_KEY_SIZE];
    System.arraycopy(SPKI_PREFIX, 0, spki, 0, SPKI_PREFIX.length);
    System.arraycopy(raw, 0, spki, SPKI_PREFIX.length, PUBLIC_KEY_SIZE);
    return factory().generatePublic(new X509EncodedKeySpec(spki));
  }

  static byte[] raw(PublicKey key) {
    byte[] spki = key.getEncoded();
    byte[] raw = new byte[PUBLIC_KEY_SIZE];
    System.arraycopy(spki, SPKI_PREFIX.length, raw, 0, PUBLIC_KEY_SIZE);
    return raw;
  }

  static PrivateKey privateKey(byte[] pkcs8) throws InvalidKeySpecException {
    return factory().generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
  }

  static Signature signature() {
    try {
      return Signature.getInstance(NAME);
    } catch (GeneralSecurityException e) {
      throw lacking(e);
    }
  }

  private static KeyFactory factory() {
    try {
      return KeyFactory.getInstance(NAME);
    } catch (GeneralSecurityException e) {
      throw lacking(e);
    }
  }

  private static IllegalStateException lacking(GeneralSecurityException e) {
    return new IllegalStateException(
        "this Java runtime lacks Ed25519, which Java 15 and later have", e);
  }
}
