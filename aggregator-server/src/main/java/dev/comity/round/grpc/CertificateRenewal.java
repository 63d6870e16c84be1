package dev.comity.round.grpc;

import dev.comity.plan.SiteId;

/// Issues a new TLS certificate to a site that is known already.
public interface CertificateRenewal {

  /// Outcome of a request for renewal.
  sealed interface Outcome {
    /// `chainPem` begins with the new certificate.
    record Issued(String chainPem) implements Outcome {}

    record Refused(String code, String detail) implements Outcome {}
  }

  /// `csr` is a PKCS#10 request in DER for the same site.
  Outcome renew(SiteId site, byte[] csr);
}
