package dev.comity.consortium;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.comity.codec.MalformedException;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import tools.jackson.databind.JsonNode;

/// Who an aggregator says it is: the federation, the CA of its certificates and its message key.
record FederationInfo(FederationId federation, X509Certificate ca, MessagePublicKey messageKey) {
  static FederationInfo parse(String what, String text) {
    JsonNode json = Json.parse(what, text);
    try {
      X509Certificate ca =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(
                      new ByteArrayInputStream(
                          Json.text(what, json, "caCertificatePem").getBytes(US_ASCII)));
      return new FederationInfo(
          new FederationId(Json.text(what, json, "federation")),
          ca,
          MessagePublicKey.fromHex(Json.text(what, json, "messageKey")));
    } catch (CertificateException e) {
      throw new MalformedException(
          what + ": field \"caCertificatePem\" must be a certificate in PEM", e);
    } catch (IllegalArgumentException e) {
      throw new MalformedException(what + ": " + e.getMessage(), e);
    }
  }

  /// SHA-256 of the CA's SubjectPublicKeyInfo, computed here and not taken from the aggregator's
  /// word.
  Digest caPin() {
    return Digest.of(ca.getPublicKey().getEncoded());
  }
}
