package dev.comity.federation;

import dev.comity.codec.Bytes;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Sites, burnt invitations and membership epochs.
public interface FederationStore {

  /// How the federation sees a site.
  enum SiteState {
    /// Certificate issued, not yet listed by the consortium.
    PENDING,
    ACTIVE,
    REVOKED
  }

  /// A site that used its invitation.
  ///
  /// @param previousSerial of the certificate with which the site asked for the newest; it stays
  ///   good until it expires, since the answer may have been lost
  record EnrolledSite(
      SiteId site,
      MessagePublicKey key,
      String serial,
      @Nullable String previousSerial,
      Instant certificateNotAfter,
      Instant enrolledAt,
      SiteState state) {}

  /// What an invitation was used for.
  ///
  /// @param request digest of the request, so that the same one gets the same answer again
  record Enrolment(Bytes nonce, SiteId site, Digest request, String certificatePem, Instant at) {}

  /// Runs `work` in one transaction, one after another with every other call.
  <T> T exclusively(Supplier<T> work);

  /// Notes at the first start which federation this database belongs to.
  ///
  /// @return the federation's epoch, which is raised when the database was restored from a backup
  /// @throws IllegalStateException when the database belongs to another federation
  long open(FederationId federation, Instant at);

  /// Raises the federation's epoch to `epoch`.
  ///
  /// @throws IllegalStateException when the stored epoch is greater
  void raiseEpoch(long epoch);

  Optional<Enrolment> enrolment(Bytes nonce);

  /// Adds or replaces the site, and burns the invitation.
  void enrol(EnrolledSite site, Enrolment enrolment);

  Optional<EnrolledSite> site(SiteId site);

  Optional<EnrolledSite> site(MessagePublicKey key);

  List<EnrolledSite> sites();

  /// Makes `certificate` the newest of the site, beside the one with serial `used`, with which it
  /// asked.
  void certify(SiteId site, IssuedCertificate certificate, String used);

  void setState(SiteId site, SiteState state);

  /// Makes `key` the message key of `site`, whose former one the consortium replaced.
  void setKey(SiteId site, MessagePublicKey key);

  /// The newest membership epoch.
  Optional<SignedMembership> membership();

  Optional<SignedMembership> membership(Digest digest);

  void add(MembershipEpoch epoch, SignedMembership signed, Instant at);
}
