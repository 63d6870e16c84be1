package dev.comity.agent.participation;

import dev.comity.agent.link.AggregatorLink;
import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.agent.protection.Sessions;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.protocol.v1.SessionEnded;
import dev.comity.protocol.v1.SessionPhase;
import dev.comity.protocol.v1.SessionStep;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionRefusal;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.Standing;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The site's steps in aggregation sessions. Every step may be repeated: the same bytes are sent
/// again. Confined to the agent's main thread.
final class SessionWork {
  private static final Logger LOG = LoggerFactory.getLogger(SessionWork.class);
  private static final int MOST_VIEW_BYTES = 256 << 20;

  private final AggregatorLink link;
  private final Sessions sessions;
  private final OfferStore offers;
  private final MembershipStore memberships;
  private final FederationEpoch epoch;
  private final SitePolicy policy;
  private final StatusBoard status;
  private final InstantSource clock;
  private final Withdrawals withdrawals;

  SessionWork(
      AggregatorLink link,
      Sessions sessions,
      OfferStore offers,
      MembershipStore memberships,
      FederationEpoch epoch,
      SitePolicy policy,
      StatusBoard status,
      InstantSource clock,
      Withdrawals withdrawals) {
    this.link = link;
    this.sessions = sessions;
    this.offers = offers;
    this.memberships = memberships;
    this.epoch = epoch;
    this.policy = policy;
    this.status = status;
    this.clock = clock;
    this.withdrawals = withdrawals;
  }

  /// Answers what a session needs from this site. A refusal by either side is logged and ends the
  /// step; the session goes on without this site. One that the next session of the round would meet
  /// too is told, so that the aggregator does not count on this site.
  ///
  /// @throws LinkException when the step must be tried again
  void step(SessionStep step) throws LinkException {
    Digest session = Digest.ofValue(step.getSessionId().toByteArray());
    try {
      byte[] view = link.fetch(Digest.ofValue(step.getViewDigest().toByteArray()), MOST_VIEW_BYTES);
      try {
        answer(session, step.getPhase(), view);
      } catch (SessionRefusal e) {
        refused(session, step.getPhase(), e.reason().name(), e);
        if (lasts(e.reason())) {
          var offer = planOf(session, step.getPhase(), view).flatMap(offers::offer);
          if (offer.isPresent()) {
            Reports.refusedSession(link, offer.get(), e.reason().name());
          }
        }
      }
    } catch (RefusedByAggregator e) {
      refused(session, step.getPhase(), e.code(), e);
    }
  }

  private void answer(Digest session, SessionPhase phase, byte[] view)
      throws LinkException, RefusedByAggregator {
    switch (phase) {
      case SESSION_PHASE_ADVERTISE_KEYS -> {
        requireMembershipInForce();
        send(sessions.advertise(view, bounds()), phase);
      }
      case SESSION_PHASE_SHARE_KEYS -> {
        requireStayed(session);
        send(sessions.share(session, view, bounds()), phase);
      }
      case SESSION_PHASE_MASKED_INPUT -> {
        requireStayed(session);
        var input = sessions.mask(session, view, bounds());
        send(input.header(), phase);
        link.upload(session, input.update());
      }
      case SESSION_PHASE_VOTE -> send(sessions.vote(session, view, bounds()), phase);
      case SESSION_PHASE_RELEASE -> send(sessions.release(session, view, bounds()), phase);
      case SESSION_PHASE_UNMASK -> send(sessions.unmask(session, view, bounds()), phase);
      case SESSION_PHASE_ABORT_VOTE -> send(sessions.abort(session, view, bounds()), phase);
      case SESSION_PHASE_UNSPECIFIED, UNRECOGNIZED ->
          LOG.atWarn()
              .addKeyValue("session", session.abbreviated())
              .log("Session asks for a phase that this agent does not know; upgrade the agent");
    }
  }

  /// A site that withdrew leaves a session as long as no masked vector of its update exists.
  private void requireStayed(Digest session) {
    for (Offer offer : offers.all()) {
      var terms = offer.plan().terms();
      if (Objects.equals(sessions.locks().get(terms.digest()), session)
          && withdrawals.covers(terms.study(), terms.run())
          && sessions.leave(terms.digest()) == Standing.FREE) {
        throw new SessionRefusal(
            SessionRefusal.Reason.LEFT,
            "this site withdrew from study %s or run %s".formatted(terms.study(), terms.run()));
      }
    }
  }

  /// Whether another session of the same round would be refused for the same reason.
  private static boolean lasts(SessionRefusal.Reason reason) {
    return switch (reason) {
      case MALFORMED,
          BAD_SIGNATURE,
          EQUIVOCATION,
          TOO_LARGE,
          MISMATCH,
          UNKNOWN_SUITE,
          NOT_A_MEMBER,
          QUORUM,
          BAD_KEY,
          REPLAYED_COUNTER,
          INCONSISTENT_VIEW,
          SPENT,
          BUDGET,
          LOST_STATE ->
          true;
      case OTHER_MEMBERSHIP, MISSING_SHARES, IN_DOUBT, LEFT, OUT_OF_ORDER -> false;
    };
  }

  private Optional<Digest> planOf(Digest session, SessionPhase phase, byte[] view) {
    if (phase != SessionPhase.SESSION_PHASE_ADVERTISE_KEYS) {
      return sessions.plan(session);
    }
    try {
      var document = SignedView.decode(view).document();
      return Optional.of(SessionDescriptor.decode(document.toByteArray()).plan());
    } catch (SessionRefusal e) {
      LOG.atDebug()
          .addKeyValue("session", session.abbreviated())
          .setCause(e)
          .log("Descriptor cannot be read");
      return Optional.empty();
    }
  }

  /// Settles the lock of a session that has ended; gives what became of its update.
  Standing ended(SessionEnded ended) throws LinkException {
    Digest session = Digest.ofValue(ended.getSessionId().toByteArray());
    try {
      if (ended.getCertificateDigest().isEmpty()) {
        return sessions.endedUnsent(session);
      }
      byte[] certificate =
          link.fetch(Digest.ofValue(ended.getCertificateDigest().toByteArray()), MOST_VIEW_BYTES);
      return sessions.settle(session, certificate);
    } catch (SessionRefusal e) {
      refused(session, SessionPhase.SESSION_PHASE_UNSPECIFIED, e.reason().name(), e);
      return Standing.IN_DOUBT;
    } catch (RefusedByAggregator e) {
      refused(session, SessionPhase.SESSION_PHASE_UNSPECIFIED, e.code(), e);
      return Standing.IN_DOUBT;
    }
  }

  private void send(SignedMessage message, SessionPhase phase)
      throws LinkException, RefusedByAggregator {
    link.send(message, phase, sessions.signer(message.session()));
    status.problem(null);
    LOG.atInfo()
        .addKeyValue("session", message.session().abbreviated())
        .addKeyValue("phase", message.phase())
        .log("Session message sent");
  }

  /// A session that began under a membership may end after it.
  private void requireMembershipInForce() {
    memberships
        .current()
        .filter(membership -> membership.expired(clock.instant()))
        .ifPresent(membership -> {
          throw new SessionRefusal(
              SessionRefusal.Reason.NOT_A_MEMBER,
              "membership version %d expired at %s; the consortium signs the next one"
                  .formatted(membership.version(), membership.expiresAt()));
        });
  }

  private Sessions.Bounds bounds() {
    MembershipEpoch membership =
        memberships
            .current()
            .orElseThrow(() ->
                new SessionRefusal(
                    SessionRefusal.Reason.NOT_A_MEMBER,
                    "this site has not seen a membership that the consortium signed"));
    return new Sessions.Bounds(
        epoch.known(),
        membership,
        Math.max(policy.floors().nC(), membership.nCFloor()),
        policy.floors().minHonest(),
        policy.floors().minHonestRecordLevel());
  }

  private void refused(Digest session, SessionPhase phase, String code, Exception cause) {
    LOG.atWarn()
        .addKeyValue("session", session.abbreviated())
        .addKeyValue("phase", phase)
        .addKeyValue("reason", code + ": " + cause.getMessage())
        .log("Session step refused");
    status.problem(cause.getMessage());
  }
}
