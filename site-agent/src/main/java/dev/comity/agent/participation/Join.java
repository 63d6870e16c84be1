package dev.comity.agent.participation;

import dev.comity.agent.link.EnrolmentClient;
import dev.comity.agent.link.HttpProxy;
import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.agent.protection.DurableFile;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.codec.Bytes;
import dev.comity.membership.EnrolmentRequest;
import dev.comity.membership.Invitation;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedInvitation;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.Base64;
import java.util.Optional;

/// Joining a federation: keys made on the site, a certificate from the aggregator that the
/// invitation names, and a policy file to be edited unless there is one. May be repeated: what was
/// done stays as it is.
public final class Join {
  private final Clock clock;

  public Join(Clock clock) {
    this.clock = clock;
  }

  /// What a site has after joining.
  ///
  /// @param messageKey the key whose fingerprint the consortium compares before it admits the site
  /// @param repeated true when the site had joined before and nothing was changed
  public record Joined(AgentSettings settings, MessagePublicKey messageKey, boolean repeated) {}

  /// As the other `join`, where the aggregator is reached directly.
  public Joined join(SiteDirectory directory, String token, Optional<Path> mapping, int statusPort)
      throws LinkException, RefusedByAggregator, InterruptedException {
    return join(directory, token, mapping, statusPort, Optional.empty());
  }

  /// Joins with an invitation.
  ///
  /// @param mapping the file that says how the site's data become examples; `mapping.yaml` of the
  ///   directory when absent
  /// @param proxy the way to the aggregator, where no direct one is allowed; kept in `agent.yaml`
  /// @throws RefusedSettings when the invitation has expired or the directory belongs to another
  ///   site
  public Joined join(
      SiteDirectory directory,
      String token,
      Optional<Path> mapping,
      int statusPort,
      Optional<HttpProxy> proxy)
      throws LinkException, RefusedByAggregator, InterruptedException {
    Invitation invitation = SignedInvitation.parse(token).invitation();
    if (Files.exists(directory.settings())) {
      AgentSettings known = AgentSettings.read(directory);
      if (!known.federation().equals(invitation.federation())
          || !known.site().equals(invitation.site())
          || !known.consortium().equals(invitation.consortium())) {
        throw new RefusedSettings(
            "%s belongs to site %s of federation %s; the invitation is for site %s of federation %s: choose another directory"
                .formatted(
                    directory.path(),
                    known.site(),
                    known.federation(),
                    invitation.site(),
                    invitation.federation()));
      }
      return new Joined(known, SiteKeys.load(directory.keys()).messageKey().publicKey(), true);
    }
    if (invitation.expired(clock.instant())) {
      throw new RefusedSettings(
          "the invitation expired at %s: ask the consortium for a new one, or set this machine's clock (now %s)"
              .formatted(invitation.expiresAt(), clock.instant()));
    }
    var keys = SiteKeys.create(directory.keys(), invitation.federation(), invitation.site());
    var request =
        EnrolmentRequest.sign(token.strip(), keys.certificateRequest(), keys.messageKey());
    EnrolmentClient.Enrolled enrolled;
    try (var client = new EnrolmentClient(invitation.url(), invitation.caPin(), proxy)) {
      enrolled =
          client.enrol(
              new EnrolmentClient.Application(
                  request.token(),
                  request.csrDer(),
                  Bytes.of(request.key().bytes()),
                  request.signature()));
    }
    if (!enrolled.site().equals(invitation.site().value())) {
      throw new RefusedSettings(
          "the aggregator enrolled site %s; the invitation is for %s: ask its operator"
              .formatted(enrolled.site(), invitation.site()));
    }
    keys.keepCertificate(enrolled.certificatePem(), pem(enrolled.authority()));
    var settings =
        new AgentSettings(
            invitation.federation(),
            invitation.site(),
            invitation.consortium(),
            enrolled.link(),
            mapping
                .map(file -> file.toAbsolutePath().normalize())
                .orElse(directory.path().resolve("mapping.yaml")),
            statusPort,
            proxy);
    settings.write(directory);
    var policy = new DurableFile(directory.policy());
    if (policy.read().isEmpty()) {
      policy.write(PolicyFile.example().getBytes(StandardCharsets.UTF_8));
    }
    return new Joined(settings, keys.messageKey().publicKey(), false);
  }

  private static String pem(X509Certificate certificate) {
    try {
      return "-----BEGIN CERTIFICATE-----\n"
          + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate.getEncoded())
          + "\n-----END CERTIFICATE-----\n";
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a verified certificate cannot be encoded", e);
    }
  }
}
