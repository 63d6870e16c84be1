package dev.comity.federation;

import dev.comity.codec.MalformedException;
import dev.comity.federation.FederationStore.EnrolledSite;
import dev.comity.federation.FederationStore.Enrolment;
import dev.comity.federation.FederationStore.SiteState;
import dev.comity.federation.Refused.Kind;
import dev.comity.membership.EnrolmentRequest;
import dev.comity.membership.Invitation;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignedInvitation;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.nio.charset.StandardCharsets;
import java.time.Clock;

/// Sites join: an invitation and two keys become a certificate and a place in the waiting room.
///
/// ## Security guarantees
///
/// An invitation serves once: its nonce is burnt in the transaction that adds the site. The same
/// request sent again, say after a lost answer, gets the same answer.
public final class Enrolments {
  private final FederationId federation;
  private final ConsortiumKey consortium;
  private final Memberships memberships;
  private final CertificateAuthority authority;
  private final FederationStore store;
  private final Clock clock;

  public Enrolments(
      FederationId federation,
      ConsortiumKey consortium,
      Memberships memberships,
      CertificateAuthority authority,
      FederationStore store,
      Clock clock) {
    this.federation = federation;
    this.consortium = consortium;
    this.memberships = memberships;
    this.authority = authority;
    this.store = store;
    this.clock = clock;
  }

  /// Enrols the site that the request's invitation names.
  ///
  /// @throws Refused with the code `bad-token`, `wrong-consortium`, `wrong-federation`,
  ///   `bad-signature`, `bad-csr`, `token-used`, `token-expired`, `site-enrolled`, `key-taken` or
  ///   `key-revoked`
  public Enrolment enrol(EnrolmentRequest request) {
    var invitation = verified(request);
    var csr = request.csrDer().toByteArray();
    var tlsKey = authority.requestedKey(csr);
    var digest =
        Digest.ofAll(
            Digest.of(request.token().strip().getBytes(StandardCharsets.UTF_8)).bytes(),
            request.key().bytes(),
            tlsKey.getEncoded());
    return store.exclusively(() -> enrol(request, invitation, csr, digest));
  }

  private Invitation verified(EnrolmentRequest request) {
    try {
      var key = SignedInvitation.parse(request.token()).invitation().consortium();
      if (!memberships.consortium().map(key::equals).orElseGet(() -> consortium.learn(key))) {
        throw new Refused(
            Kind.FORBIDDEN,
            "wrong-consortium",
            "The invitation is signed by the key %s, which is not this federation's consortium."
                .formatted(key.displayFingerprint()));
      }
      var invitation = request.verify(key);
      if (!invitation.federation().equals(federation)) {
        throw new Refused(
            Kind.FORBIDDEN,
            "wrong-federation",
            "The invitation is for federation %s, this aggregator serves %s."
                .formatted(invitation.federation().value(), federation.value()));
      }
      return invitation;
    } catch (MalformedException e) {
      throw new Refused(Kind.INVALID, "bad-token", "The invitation cannot be read: " + said(e));
    } catch (RefusedSignatureException e) {
      throw new Refused(Kind.FORBIDDEN, "bad-signature", "The enrolment is refused: " + said(e));
    }
  }

  private static String said(RuntimeException e) {
    return String.valueOf(e.getMessage());
  }

  private Enrolment enrol(
      EnrolmentRequest request, Invitation invitation, byte[] csr, Digest digest) {
    var used = store.enrolment(invitation.nonce());
    if (used.isPresent()) {
      if (used.get().request().equals(digest)) {
        return used.get();
      }
      throw new Refused(
          Kind.CONFLICT,
          "token-used",
          "The invitation of site %s was used on %s with other keys; ask the consortium for a new one."
              .formatted(invitation.site().value(), used.get().at()));
    }
    var now = clock.instant();
    if (invitation.expired(now)) {
      throw new Refused(
          Kind.FORBIDDEN,
          "token-expired",
          "The invitation of site %s expired at %s; ask the consortium for a new one."
              .formatted(invitation.site().value(), invitation.expiresAt()));
    }
    checkName(invitation.site());
    checkKey(request, invitation.site());
    var issued = authority.issueFor(invitation.site(), csr);
    var enrolment = new Enrolment(invitation.nonce(), invitation.site(), digest, issued.pem(), now);
    store.enrol(
        new EnrolledSite(
            invitation.site(),
            request.key(),
            issued.serial(),
            null,
            issued.notAfter(),
            now,
            SiteState.PENDING),
        enrolment);
    return enrolment;
  }

  private void checkName(SiteId name) {
    var known = store.site(name);
    if (known.isPresent() && known.get().state() == SiteState.ACTIVE) {
      throw new Refused(
          Kind.CONFLICT,
          "site-enrolled",
          "Site %s is an active member; have the consortium revoke it first, or rotate its key."
              .formatted(name.value()));
    }
  }

  private void checkKey(EnrolmentRequest request, SiteId name) {
    memberships
        .current()
        .map(memberships::read)
        .flatMap(epoch -> epoch.revocation(request.key().fingerprint()))
        .ifPresent(revocation -> {
          throw new Refused(
              Kind.FORBIDDEN,
              "key-revoked",
              "The message key of site %s was revoked at %s (%s) and never returns; join in a new folder, which makes a new key."
                  .formatted(name.value(), revocation.at(), revocation.reason()));
        });
    var holder = store.site(request.key());
    if (holder.isPresent() && !holder.get().site().equals(name)) {
      throw new Refused(
          Kind.CONFLICT,
          "key-taken",
          "The message key is that of site %s; each site makes its own."
              .formatted(holder.get().site().value()));
    }
  }

  /// A new certificate for an enrolled site. The one with serial `used`, with which it asks, stays
  /// good until it expires: however many answers are lost, the site can ask again.
  ///
  /// @throws Refused with the code `bad-csr` or `unknown-site`
  public IssuedCertificate renew(SiteId site, byte[] csr, String used) {
    return store.exclusively(() -> {
      if (store.site(site).isEmpty()) {
        throw new Refused(
            Kind.FORBIDDEN, "unknown-site", "Site %s is not enrolled.".formatted(site.value()));
      }
      var issued = authority.issueFor(site, csr);
      store.certify(site, issued, used);
      return issued;
    });
  }
}
