package dev.comity.agent.protection;

import static java.util.stream.Collectors.toMap;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessageKeys;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
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
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
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
/// it. The message key changes when the consortium lists the one that was prepared to follow it;
/// the former one is erased once no session needs it.
///
/// Safe for use by many threads.
public final class SiteKeys {
  static final int SECRET_BYTES = 32;
  private static final String PEM_HEAD = "-----BEGIN PRIVATE KEY-----\n";
  private static final String PEM_FOOT = "\n-----END PRIVATE KEY-----\n";

  private final Path folder;
  private final MessageKeys messageKeys;
  private final PrivateKey tlsKey;
  private final byte[] siteSecret;

  private SiteKeys(Path folder, MessageKeys messageKeys, PrivateKey tlsKey, byte[] siteSecret) {
    this.folder = folder;
    this.messageKeys = messageKeys;
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
    var _ = MessageKeys.create(folder);
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
    return new SiteKeys(folder, MessageKeys.open(folder), readTlsKey(folder), secret);
  }

  /// The present message key.
  public MessageKey messageKey() {
    return messageKeys.present();
  }

  /// The message key that is prepared to follow, if there is one.
  public Optional<MessageKey> nextMessageKey() {
    return messageKeys.next();
  }

  /// The message key that is prepared to follow, made unless there is one.
  public MessageKey prepareMessageKey() {
    return messageKeys.prepare();
  }

  /// The message key with this fingerprint: present, prepared, or former and not erased.
  Optional<MessageKey> messageKey(Digest fingerprint) {
    return messageKeys.find(fingerprint);
  }

  /// Makes the prepared message key the present one if it is `listed`. Before that it is on disk
  /// which sessions still sign with the one before. False when this folder does not hold `listed`.
  synchronized boolean follow(MessagePublicKey listed, Set<Digest> signedWithPresent) {
    if (messageKeys.next().map(MessageKey::publicKey).filter(listed::equals).isPresent()) {
      var needed = new TreeMap<>(sessionsOfFormer());
      Digest present = messageKey().publicKey().fingerprint();
      signedWithPresent.forEach(session -> needed.put(session, present));
      write(needed);
    }
    boolean followed = messageKeys.follow(listed);
    eraseUnneeded();
    return followed;
  }

  /// `session` asks nothing more of this site: a former message key that it alone needed is erased.
  synchronized void ended(Digest session) {
    var needed = new TreeMap<>(sessionsOfFormer());
    if (needed.remove(session) != null) {
      write(needed);
    }
    eraseUnneeded();
  }

  /// Erases the former message keys that no session needs; again, what a crash left.
  synchronized void eraseUnneeded() {
    Set<Digest> unneeded = new HashSet<>(messageKeys.former());
    unneeded.removeAll(sessionsOfFormer().values());
    unneeded.forEach(messageKeys::erase);
  }

  /// Session to the fingerprint of the key that it still needs.
  private Map<Digest, Digest> sessionsOfFormer() {
    return formerSessions()
        .read()
        .map(content ->
            CborReader.read(
                content,
                "FormerKeySessions",
                in ->
                    in.maps(
                        "sessions",
                        each -> Map.entry(digest(each, "session"), digest(each, "key")))))
        .map(entries -> entries.stream().collect(toMap(Map.Entry::getKey, Map.Entry::getValue)))
        .orElse(Map.of());
  }

  private static Digest digest(CborReader in, String name) {
    return Digest.ofValue(in.bytes(name, Digest.SIZE));
  }

  private void write(Map<Digest, Digest> needed) {
    formerSessions()
        .write(
            CborWriter.map()
                .maps(
                    "sessions",
                    needed.entrySet(),
                    entry ->
                        CborWriter.map()
                            .bytes("session", entry.getKey().bytes())
                            .bytes("key", entry.getValue().bytes()))
                .toBytes());
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
    return "SiteKeys[" + messageKey().publicKey() + ", private parts redacted]";
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

  private DurableFile formerSessions() {
    return new DurableFile(folder.resolve("message.former-sessions"));
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
