package dev.comity.agent.participation;

import dev.comity.plan.Digest;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequest;

/// A certificate authority for tests, with a server certificate for localhost and for the name that
/// [ConnectProxy] alone knows.
final class TestAuthority {
  private final KeyPair pair = newPair();
  private final KeyPair serverPair = newPair();
  private final AtomicLong serial = new AtomicLong(1);
  private final X509Certificate certificate;
  private final X509Certificate server;

  TestAuthority() {
    certificate = issue("CN=test authority", pair.getPublic(), true, List.of());
    server =
        issue(
            "CN=aggregator",
            serverPair.getPublic(),
            false,
            List.of(
                new GeneralName(GeneralName.dNSName, "localhost"),
                new GeneralName(GeneralName.dNSName, ConnectProxy.NAME),
                new GeneralName(GeneralName.iPAddress, "127.0.0.1")));
  }

  X509Certificate certificate() {
    return certificate;
  }

  Digest pin() {
    return Digest.of(certificate.getPublicKey().getEncoded());
  }

  PrivateKey serverKey() {
    return serverPair.getPrivate();
  }

  X509Certificate[] serverChain() {
    return new X509Certificate[] {server, certificate};
  }

  /// Issues what a PKCS#10 request asks for, under the names that the request itself carries.
  String issueFor(byte[] request) {
    try {
      var csr = new JcaPKCS10CertificationRequest(request);
      var names =
          GeneralNames.fromExtensions(
              csr.getRequestedExtensions(), Extension.subjectAlternativeName);
      var issued =
          issue(csr.getSubject().toString(), csr.getPublicKey(), false, List.of(names.getNames()));
      return pem(issued) + pem(certificate);
    } catch (Exception e) {
      throw new IllegalArgumentException("the request cannot be read", e);
    }
  }

  static String pem(X509Certificate certificate) throws GeneralSecurityException {
    return "-----BEGIN CERTIFICATE-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
        + "\n-----END CERTIFICATE-----\n";
  }

  private X509Certificate issue(
      String subject, PublicKey key, boolean authority, List<GeneralName> names) {
    var now = Instant.now();
    try {
      var builder =
          new JcaX509v3CertificateBuilder(
              new X500Name("CN=test authority"),
              BigInteger.valueOf(serial.getAndIncrement()),
              Date.from(now.minus(1, ChronoUnit.HOURS)),
              Date.from(now.plus(1, ChronoUnit.DAYS)),
              new X500Name(subject),
              key);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
      if (!names.isEmpty()) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(names.toArray(GeneralName[]::new)));
      }
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(pair.getPrivate())));
    } catch (Exception e) {
      throw new IllegalStateException("cannot issue for " + subject, e);
    }
  }

  private static KeyPair newPair() {
    try {
      var generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
