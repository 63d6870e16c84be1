package dev.comity.agent.protection;

import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Optional;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/// The secrets of a site, in a folder that its owner alone may read: the TLS key (ECDSA P-256), the
/// message key (Ed25519) and the site secret (32 bytes). They are made on the site and never leave
/// it. A key that exists is never replaced.
public final class SiteKeys {
  static final int SECRET_BYTES = 32;
  private static final String PEM_HEAD = "-----BEGIN PRIVATE KEY-----\n";
  private static final String PEM_FOOT = "\n-----END PRIVATE KEY-----\n";

  private final Path folder;
  private final MessageKey messageKey;
  private final PrivateKey tlsKey;
  private final byte[] siteSecret;

  private SiteKeys(Path folder, MessageKey messageKey, PrivateKey tlsKey, byte[] siteSecret) {
    this.folder = folder;
    this.messageKey = messageKey;
    this.tlsKey = tlsKey;
    this.siteSecret = siteSecret;
  }

  /// Makes what is missing in `folder` and reads the rest. The certificate request is made once, so
  /// that an enrolment that is sent again is the same enrolment.
  public static SiteKeys create(Path folder, FederationId federation, SiteId site) {
    try {
      if (!Files.isDirectory(folder)) {
        Files.createDirectories(
            folder,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make the folder " + folder, e);
    }
    if (!Files.exists(messageKeyFile(folder))) {
      MessageKey.generate().write(messageKeyFile(folder));
    }
    var secret = secretFile(folder);
    if (secret.read().isEmpty()) {
      byte[] fresh = new byte[SECRET_BYTES];
      new SecureRandom().nextBytes(fresh);
      secret.write(fresh);
    }
    if (requestFile(folder).read().isEmpty()) {
      createTlsKey(folder, federation, site);
    }
    return load(folder);
  }

  /// Reads the keys that [#create] made.
  public static SiteKeys load(Path folder) {
    byte[] secret = required(secretFile(folder));
    if (secret.length != SECRET_BYTES) {
      throw new IllegalArgumentException(
          "%s has %d bytes; a site secret has %d"
              .formatted(secretFile(folder).path(), secret.length, SECRET_BYTES));
    }
    return new SiteKeys(
        folder, MessageKey.read(messageKeyFile(folder)), readTlsKey(folder), secret);
  }

  public MessageKey messageKey() {
    return messageKey;
  }

  public PrivateKey tlsKey() {
    return tlsKey;
  }

  /// The PKCS#10 request of the TLS key, DER.
  public Bytes certificateRequest() {
    return Bytes.of(required(requestFile(folder)));
  }

  /// The certificate chain in PEM, once the site is enrolled.
  public Optional<String> certificate() {
    return certificateFile().read().map(pem -> new String(pem, StandardCharsets.US_ASCII));
  }

  /// The certificate authority in PEM, once the site is enrolled.
  public Optional<String> authority() {
    return authorityFile().read().map(pem -> new String(pem, StandardCharsets.US_ASCII));
  }

  /// Keeps what the aggregator issued.
  public void keepCertificate(String chainPem, String authorityPem) {
    authorityFile().write(authorityPem.getBytes(StandardCharsets.US_ASCII));
    certificateFile().write(chainPem.getBytes(StandardCharsets.US_ASCII));
  }

  /// For the types of this package alone.
  byte[] siteSecret() {
    return siteSecret.clone();
  }

  @Override
  public String toString() {
    return "SiteKeys[" + messageKey.publicKey() + ", private parts redacted]";
  }

  private static void createTlsKey(Path folder, FederationId federation, SiteId site) {
    try {
      var generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      KeyPair pair = generator.generateKeyPair();
      var pem =
          PEM_HEAD
              + Base64.getMimeEncoder(64, new byte[] {'\n'})
                  .encodeToString(pair.getPrivate().getEncoded())
              + PEM_FOOT;
      tlsKeyFile(folder).write(pem.getBytes(StandardCharsets.US_ASCII));
      requestFile(folder).write(request(pair, federation, site));
    } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
      throw new IllegalStateException("this Java cannot make a key on P-256", e);
    }
  }

  private static byte[] request(KeyPair pair, FederationId federation, SiteId site)
      throws OperatorCreationException, IOException {
    var extensions = new ExtensionsGenerator();
    extensions.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(
            new GeneralName(
                GeneralName.uniformResourceIdentifier,
                "comity://%s/%s".formatted(federation.value(), site.value()))));
    PublicKey subject = pair.getPublic();
    return new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=" + site.value()), subject)
        .addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions.generate())
        .build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate()))
        .getEncoded();
  }

  private static PrivateKey readTlsKey(Path folder) {
    String pem = new String(required(tlsKeyFile(folder)), StandardCharsets.US_ASCII);
    if (!pem.startsWith(PEM_HEAD)) {
      throw notAKey(folder, null);
    }
    String body =
        pem.substring(PEM_HEAD.length(), Math.max(PEM_HEAD.length(), pem.indexOf(PEM_FOOT)));
    try {
      return KeyFactory.getInstance("EC")
          .generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(body)));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw notAKey(folder, e);
    }
  }

  private static IllegalArgumentException notAKey(
      Path folder, @org.jspecify.annotations.Nullable Exception cause) {
    return new IllegalArgumentException(
        tlsKeyFile(folder).path() + " is no private key on P-256 in PEM; restore it or join anew",
        cause);
  }

  private static byte[] required(DurableFile file) {
    return file.read()
        .orElseThrow(() ->
            new IllegalArgumentException(
                file.path() + " does not exist: join the federation first"));
  }

  private static Path messageKeyFile(Path folder) {
    return folder.resolve("message.key");
  }

  private static DurableFile secretFile(Path folder) {
    return new DurableFile(folder.resolve("site.secret"));
  }

  private static DurableFile tlsKeyFile(Path folder) {
    return new DurableFile(folder.resolve("tls.key"));
  }

  private static DurableFile requestFile(Path folder) {
    return new DurableFile(folder.resolve("tls.csr"));
  }

  private DurableFile certificateFile() {
    return new DurableFile(folder.resolve("tls.crt"));
  }

  private DurableFile authorityFile() {
    return new DurableFile(folder.resolve("ca.crt"));
  }
}
