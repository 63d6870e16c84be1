package dev.comity.federation.grpc;

import dev.comity.federation.Enrolments;
import dev.comity.federation.Refused;
import dev.comity.plan.SiteId;
import dev.comity.round.grpc.CertificateRenewal;
import org.springframework.stereotype.Component;

@Component
final class EnrolledSiteRenewal implements CertificateRenewal {
  private final Enrolments enrolments;

  EnrolledSiteRenewal(Enrolments enrolments) {
    this.enrolments = enrolments;
  }

  @Override
  public Outcome renew(SiteId site, byte[] csr) {
    try {
      var used = CallerCertificate.SERIAL.get();
      if (used == null) {
        return new Outcome.Refused(
            "no-certificate", "The call proves no certificate; renew with the site's own.");
      }
      return new Outcome.Issued(enrolments.renew(site, csr, used).pem());
    } catch (Refused e) {
      return new Outcome.Refused(e.code(), e.detail());
    }
  }
}
