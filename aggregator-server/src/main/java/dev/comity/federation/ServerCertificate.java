package dev.comity.federation;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;

/// The key and certificate chain that the aggregator shows on both of its ports.
///
/// Reissued at a start when less than [#RENEW_BEFORE] of its life is left, when the authority is
/// another one, or when the advertised host does not stand in it.
public record ServerCertificate(PrivateKey key, List<X509Certificate> chain) {
  private static final Duration RENEW_BEFORE = Duration.ofDays(120);

  public ServerCertificate {
    chain = List.copyOf(chain);
  }

  public static ServerCertificate open(
      DataDirectory directory, CertificateAuthority authority, String advertisedHost, Clock clock) {
    var keyFile = new SecretFile(directory.keys().resolve("tls.key"));
    var certificateFile = new SecretFile(directory.keys().resolve("tls.crt"));
    try {
      if (certificateFile.exists()) {
        var known =
            CertificateAuthority.certificate(certificateFile.read(), certificateFile.path());
        if (serves(known, authority, advertisedHost, clock)) {
          return new ServerCertificate(
              CertificateAuthority.privateKey(keyFile.read()),
              List.of(known, authority.certificate()));
        }
      }
      var pair = CertificateAuthority.newPair();
      var issued = authority.issueForServer(pair.getPublic(), advertisedHost);
      certificateFile.delete(); // so that a crash leaves no certificate beside a key not its own
      keyFile.write(Pem.encode("PRIVATE KEY", pair.getPrivate().getEncoded()));
      certificateFile.write(CertificateAuthority.pem(issued) + authority.certificatePem());
      return new ServerCertificate(pair.getPrivate(), List.of(issued, authority.certificate()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot open " + certificateFile.path(), e);
    }
  }

  private static boolean serves(
      X509Certificate known, CertificateAuthority authority, String host, Clock clock)
      throws CertificateParsingException {
    try {
      known.verify(authority.certificate().getPublicKey());
    } catch (GeneralSecurityException e) {
      return false; // signed by another authority
    }
    return known.getNotAfter().toInstant().isAfter(clock.instant().plus(RENEW_BEFORE))
        && known.getSubjectAlternativeNames().stream().anyMatch(name -> host.equals(name.get(1)));
  }
}
