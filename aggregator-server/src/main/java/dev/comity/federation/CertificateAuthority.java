package dev.comity.federation;

import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.pkcs.PKCSException;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;

/// Issues the federation's TLS certificates, ECDSA on P-256 throughout (RFC 5480).
///
/// ## Security guarantees
///
/// A certificate says only that this aggregator accepted a request on behalf of a site. It makes
/// nobody a member: membership rests on message keys in a list that the consortium signs. Nothing
/// of a request but its public key gets into a certificate.
///
/// Safe for use by many threads.
public final class CertificateAuthority {
  private static final Duration SITE_VALIDITY = Duration.ofDays(90);
  private static final Duration SERVER_VALIDITY = Duration.ofDays(365);
  private static final Duration OWN_VALIDITY = Duration.ofDays(3650);
  private static final Duration CLOCK_SKEW = Duration.ofHours(1);
  private static final int MAX_REQUEST_BYTES = 8192;

  private final FederationId federation;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();
  private final PrivateKey key;
  private final X509Certificate certificate;

  private CertificateAuthority(
      FederationId federation, Clock clock, PrivateKey key, X509Certificate certificate) {
    this.federation = federation;
    this.clock = clock;
    this.key = key;
    this.certificate = certificate;
  }

  /// Opens the authority of `directory`; makes its key and certificate at the first start.
  public static CertificateAuthority open(
      DataDirectory directory, FederationId federation, Clock clock) {
    var keyFile = new SecretFile(directory.keys().resolve("ca.key"));
    var certificateFile = new SecretFile(directory.keys().resolve("ca.crt"));
    try {
      if (!certificateFile.exists()) { // the certificate is written last
        var pair = newPair();
        keyFile.write(Pem.encode("PRIVATE KEY", pair.getPrivate().getEncoded()));
        certificateFile.write(pem(selfSigned(federation, pair, clock.instant())));
      }
      var authority =
          new CertificateAuthority(
              federation,
              clock,
              privateKey(keyFile.read()),
              certificate(certificateFile.read(), certificateFile.path()));
      authority.checkFederation(certificateFile.path());
      return authority;
    } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
      throw new IllegalStateException("cannot open the authority in " + directory.keys(), e);
    }
  }

  private void checkFederation(Path file) {
    if (!certificate.getSubjectX500Principal().equals(name(federation))) {
      throw new IllegalStateException(
          "%s belongs to %s, not to federation %s; correct comity.federation or take another comity.data-dir"
              .formatted(
                  file, certificate.getSubjectX500Principal().getName(), federation.value()));
    }
  }

  public X509Certificate certificate() {
    return certificate;
  }

  public String certificatePem() {
    return pem(certificate);
  }

  /// SHA-256 of the authority's SubjectPublicKeyInfo, by which a site knows this aggregator.
  public Digest pin() {
    return Digest.of(certificate.getPublicKey().getEncoded());
  }

  /// A client certificate for `site` from its PKCS#10 request.
  ///
  /// @throws Refused when the request is malformed, its signature does not hold or its key is not
  ///   on P-256
  public IssuedCertificate issueFor(SiteId site, byte[] request) {
    var issued =
        sign(
            requestedKey(request),
            new X500Principal("CN=" + site.value()),
            List.of(
                new GeneralName(
                    GeneralName.uniformResourceIdentifier,
                    "comity://" + federation.value() + "/" + site.value())),
            KeyPurposeId.id_kp_clientAuth,
            SITE_VALIDITY);
    return new IssuedCertificate(
        issued.getSerialNumber().toString(16),
        issued.getNotAfter().toInstant(),
        pem(issued) + pem(certificate));
  }

  /// The certificate that this aggregator shows on both of its ports.
  X509Certificate issueForServer(PublicKey serverKey, String advertisedHost) {
    List<GeneralName> names = new ArrayList<>();
    names.add(
        new GeneralName(
            GeneralName.uniformResourceIdentifier,
            "comity://" + federation.value() + "/aggregator"));
    names.add(new GeneralName(GeneralName.dNSName, "localhost"));
    names.add(new GeneralName(GeneralName.iPAddress, "127.0.0.1"));
    if (!advertisedHost.equals("localhost") && !advertisedHost.equals("127.0.0.1")) {
      names.add(new GeneralName(nameKind(advertisedHost), advertisedHost));
    }
    return sign(
        serverKey,
        new X500Principal("CN=" + federation.value() + " aggregator"),
        names,
        KeyPurposeId.id_kp_serverAuth,
        SERVER_VALIDITY);
  }

  private static int nameKind(String host) {
    return host.contains(":") || host.matches("[0-9.]+")
        ? GeneralName.iPAddress
        : GeneralName.dNSName;
  }

  /// The public key that a PKCS#10 request asks a certificate for.
  ///
  /// @throws Refused as [#issueFor]
  PublicKey requestedKey(byte[] request) {
    if (request.length > MAX_REQUEST_BYTES) {
      throw refusedRequest(
          "has %d bytes, at most %d are read".formatted(request.length, MAX_REQUEST_BYTES));
    }
    try {
      var csr = new JcaPKCS10CertificationRequest(request);
      var algorithm = csr.getSubjectPublicKeyInfo().getAlgorithm();
      if (!SECObjectIdentifiers.secp256r1.equals(algorithm.getParameters())) {
        throw refusedRequest("has a key that is not on P-256; make one with secp256r1");
      }
      var publicKey = csr.getPublicKey();
      if (!csr.isSignatureValid(new JcaContentVerifierProviderBuilder().build(publicKey))) {
        throw refusedRequest("is not signed by the key it names");
      }
      return publicKey;
    } catch (IOException
        | GeneralSecurityException
        | OperatorCreationException
        | PKCSException
        | IllegalArgumentException
        | ClassCastException e) {
      var refusal = refusedRequest("is not a PKCS#10 request in DER");
      refusal.initCause(e);
      throw refusal;
    }
  }

  private static Refused refusedRequest(String fault) {
    return new Refused(Refused.Kind.INVALID, "bad-csr", "The certificate request " + fault + ".");
  }

  private X509Certificate sign(
      PublicKey subjectKey,
      X500Principal subject,
      List<GeneralName> names,
      KeyPurposeId purpose,
      Duration validity) {
    var now = clock.instant();
    try {
      var extensions = new JcaX509ExtensionUtils();
      var builder =
          new JcaX509v3CertificateBuilder(
                  certificate,
                  newSerial(),
                  Date.from(now.minus(CLOCK_SKEW)),
                  Date.from(now.plus(validity)),
                  subject,
                  subjectKey)
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose))
              .addExtension(
                  Extension.subjectAlternativeName,
                  false,
                  new GeneralNames(names.toArray(GeneralName[]::new)))
              .addExtension(
                  Extension.authorityKeyIdentifier,
                  false,
                  extensions.createAuthorityKeyIdentifier(certificate))
              .addExtension(
                  Extension.subjectKeyIdentifier,
                  false,
                  extensions.createSubjectKeyIdentifier(subjectKey));
      return decoded(
          builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(key)).getEncoded());
    } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
      throw new IllegalStateException("cannot issue a certificate for " + subject.getName(), e);
    }
  }

  private static X509Certificate selfSigned(FederationId federation, KeyPair pair, Instant now)
      throws GeneralSecurityException, OperatorCreationException, IOException {
    var builder =
        new JcaX509v3CertificateBuilder(
                name(federation),
                new BigInteger(127, new SecureRandom()),
                Date.from(now.minus(CLOCK_SKEW)),
                Date.from(now.plus(OWN_VALIDITY)),
                name(federation),
                pair.getPublic())
            .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
            .addExtension(
                Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign))
            .addExtension(
                Extension.subjectAlternativeName,
                false,
                new GeneralNames(
                    new GeneralName(
                        GeneralName.uniformResourceIdentifier,
                        "comity://" + federation.value() + "/")))
            .addExtension(
                Extension.subjectKeyIdentifier,
                false,
                new JcaX509ExtensionUtils().createSubjectKeyIdentifier(pair.getPublic()));
    return decoded(
        builder
            .build(new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate()))
            .getEncoded());
  }

  private BigInteger newSerial() {
    return new BigInteger(127, random).setBit(126);
  }

  private static X500Principal name(FederationId federation) {
    return new X500Principal("CN=" + federation.value() + " authority");
  }

  static KeyPair newPair() throws GeneralSecurityException {
    var generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  static PrivateKey privateKey(String pem) throws GeneralSecurityException {
    return KeyFactory.getInstance("EC")
        .generatePrivate(new PKCS8EncodedKeySpec(Pem.decode("PRIVATE KEY", pem)));
  }

  static X509Certificate certificate(String pem, Path file) throws GeneralSecurityException {
    try (var in = new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII))) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    } catch (IOException e) {
      throw new GeneralSecurityException("cannot read " + file, e);
    }
  }

  private static X509Certificate decoded(byte[] der) throws GeneralSecurityException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
  }

  static String pem(X509Certificate certificate) {
    try {
      return Pem.encode("CERTIFICATE", certificate.getEncoded());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
