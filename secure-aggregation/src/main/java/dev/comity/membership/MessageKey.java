package dev.comity.membership;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An Ed25519 key pair for messages and documents. The private half is never shown: it signs, and
/// is written to a file of mode 0600. Safe for use by many threads.
public final class MessageKey {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");
  private static final Pattern PEM =
      Pattern.compile(
          "\\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----"
              + "\\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\\s]+)-----END PUBLIC KEY-----\\s*");

  private final PrivateKey privateKey;
  private final MessagePublicKey publicKey;

  private MessageKey(PrivateKey privateKey, MessagePublicKey publicKey) {
    this.privateKey = privateKey;
    this.publicKey = publicKey;
  }

  public static MessageKey generate() {
    return generate(new SecureRandom());
  }

  /// A key from this generator alone: the same bytes give the same key.
  public static MessageKey generate(SecureRandom random) {
    KeyPair pair = Ed25519.generate(random);
    return new MessageKey(pair.getPrivate(), MessagePublicKey.of(pair.getPublic()));
  }

  /// Refuses halves that do not belong together.
  static MessageKey of(PrivateKey privateKey, MessagePublicKey publicKey) {
    MessageKey key = new MessageKey(privateKey, publicKey);
    byte[] probe = {1};
    if (!publicKey.verify(SignatureLabel.READY, key.sign(SignatureLabel.READY, probe), probe)) {
      throw new IllegalArgumentException("a private key that does not belong to its public key");
    }
    return key;
  }

  public MessagePublicKey publicKey() {
    return publicKey;
  }

  /// The 64-byte signature over the label and the concatenated `parts`.
  public byte[] sign(SignatureLabel label, byte[]... parts) {
    try {
      Signature signer = Ed25519.signature();
      signer.initSign(privateKey);
      signer.update(label.prefix());
      for (byte[] part : parts) {
        signer.update(part);
      }
      return signer.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the message key cannot sign", e);
    }
  }

  /// Writes a new file of mode 0600: PKCS#8 and SubjectPublicKeyInfo in PEM, on disk when this
  /// returns. Refuses to replace a file.
  public void write(Path file) {
    byte[] pem = pem();
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(OWNER_ONLY))) {
      ByteBuffer buffer = ByteBuffer.wrap(pem);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    } catch (FileAlreadyExistsException e) {
      throw new IllegalArgumentException(
          file + " already exists: a key is never replaced; choose another folder", e);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write the key file " + file + ": " + e.getMessage(), e);
    } finally {
      Arrays.fill(pem, (byte) 0);
    }
  }

  /// Reads what `write` wrote. Refuses a file that others than its owner may read or change.
  public static MessageKey read(Path file) {
    String pem;
    try {
      Set<PosixFilePermission> beyond = EnumSet.noneOf(PosixFilePermission.class);
      beyond.addAll(Files.getPosixFilePermissions(file));
      beyond.removeAll(PosixFilePermissions.fromString("rwx------"));
      if (!beyond.isEmpty()) {
        throw new IllegalArgumentException(
            "%s is open to others than its owner (%s); run: chmod 600 %s"
                .formatted(
                    file,
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(file)),
                    file));
      }
      pem = Files.readString(file, US_ASCII);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(file + " does not exist; a key belongs there", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the key file " + file + ": " + e.getMessage(), e);
    }
    Matcher matcher = PEM.matcher(pem);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          file + " is not a key file: a PRIVATE KEY and a PUBLIC KEY in PEM belong there");
    }
    try {
      PrivateKey privateKey = Ed25519.privateKey(Base64.getMimeDecoder().decode(matcher.group(1)));
      byte[] spki = Base64.getMimeDecoder().decode(matcher.group(2));
      byte[] raw = Arrays.copyOfRange(spki, spki.length - MessagePublicKey.SIZE, spki.length);
      return of(privateKey, MessagePublicKey.of(raw));
    } catch (GeneralSecurityException | IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException(file + " does not hold an Ed25519 key pair", e);
    }
  }

  private byte[] pem() {
    Base64.Encoder base64 = Base64.getMimeEncoder(64, new byte[] {'\n'});
    try {
      return ("-----BEGIN PRIVATE KEY-----\n"
              + base64.encodeToString(privateKey.getEncoded())
              + "\n-----END PRIVATE KEY-----\n-----BEGIN PUBLIC KEY-----\n"
              + base64.encodeToString(Ed25519.publicKey(publicKey.bytes()).getEncoded())
              + "\n-----END PUBLIC KEY-----\n")
          .getBytes(US_ASCII);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a message key that cannot be encoded", e);
    }
  }

  @Override
  public String toString() {
    return "MessageKey[" + publicKey + ", private half redacted]";
  }
}
