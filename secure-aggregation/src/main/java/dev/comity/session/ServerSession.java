package dev.comity.session;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.update.Mask;
import java.util.List;
import java.util.Optional;

/// A session as the aggregator sees it: a pure fold of (descriptor, membership, events in order).
/// The aggregator stores the events that moved it and folds them again after a restart.
///
/// Bonawitz et al. 2017 with signed, chained views and with votes (ADR 0009). A state is immutable
/// and safe for use by many threads.
///
/// ```
/// AdvertisingKeys ─► SharingKeys ─► Collecting ─► Voting ─┬───────────────► Unmasking ─► Done
///        │                │             │            │    └─► Releasing ──────▲
///        └────► Aborted ◄─┘             └─► Aborting ◄┘       on a ring alone,
///                  ▲                            │             until T RELEASEs
///                  └────────────────────────────┘  T ABORT votes
/// ```
public sealed interface ServerSession
    permits AdvertisingKeys,
        SharingKeys,
        Collecting,
        Voting,
        Releasing,
        Unmasking,
        Aborting,
        Done,
        Aborted {

  /// Which state a session is in.
  enum State {
    ADVERTISING_KEYS,
    SHARING_KEYS,
    COLLECTING,
    VOTING,
    RELEASING,
    UNMASKING,
    ABORTING,
    DONE,
    ABORTED
  }

  /// What became of an event.
  sealed interface Transition {
    /// The event counts: store it and go on from `next`.
    record Moved(ServerSession next) implements Transition {}

    /// Late or a duplicate: nothing changed and nothing is wrong.
    record Ignored(Cause code, String reason) implements Transition {}

    /// Wrong: nothing changed. The reason names what, the limit and the remedy, and no secret.
    record Refused(SessionRefusal.Reason code, String reason) implements Transition {}

    /// Why an event needs no answer, as a stable code.
    enum Cause {
      /// The very same was received before, or a vote that it cannot change.
      REPEATED,
      /// Its phase has passed.
      LATE,
      /// A deadline that does not run in this state.
      NOT_RUNNING,
      /// It concerns no site of this session.
      NOT_CONCERNED,
      /// The session is aborting or certified, and goes on to that end.
      DECIDED,
      /// The session is over.
      OVER
    }
  }

  /// `site` should be shown the view of this kind and owes the message that answers it.
  record Owed(SiteId site, SignedView.Kind view) {}

  /// How a session ended.
  sealed interface Verdict {
    /// The masks of `recovery` lead from the survivors' masked vectors to their sum.
    record Summed(List<SiteId> survivors) implements Verdict {
      public Summed {
        survivors = List.copyOf(survivors);
      }
    }

    /// Certified, but shares give no secret: there will be no sum, the survivors' updates are
    /// spent. Suspend the `dealers`, who are provably at fault; there is none where at most n_C
    /// receivers say that they could not decrypt, and `reason` then names these.
    record Burned(List<SiteId> dealers, String reason) implements Verdict {
      public Burned {
        dealers = List.copyOf(dealers);
      }
    }

    /// Ended without a result.
    record Aborted(String reason) implements Verdict {}
  }

  /// The first state. Fails with `SessionRefusal` when a seat of the roster is no member.
  static ServerSession open(SessionDescriptor descriptor, MembershipEpoch membership) {
    if (descriptor.membershipVersion() != membership.version()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "descriptor names membership version %d, given was %d"
              .formatted(descriptor.membershipVersion(), membership.version()));
    }
    return AdvertisingKeys.of(Roster.of(descriptor, membership));
  }

  /// The state after the stored events. IllegalStateException when one of them does not move the
  /// session: then events and descriptor do not belong together.
  static ServerSession fold(
      SessionDescriptor descriptor, MembershipEpoch membership, List<SessionEvent> events) {
    ServerSession session = open(descriptor, membership);
    for (SessionEvent event : events) {
      session =
          switch (session.on(event)) {
            case Transition.Moved(var next) -> next;
            case Transition.Ignored(_, var reason) -> throw unfit(session, reason);
            case Transition.Refused(_, var reason) -> throw unfit(session, reason);
          };
    }
    return session;
  }

  private static IllegalStateException unfit(ServerSession session, String reason) {
    return new IllegalStateException(
        "stored event of session %s does not fit state %s: %s"
            .formatted(session.descriptor().id().abbreviated(), session.state(), reason));
  }

  State state();

  SessionDescriptor descriptor();

  /// Pure: verifies, then says what follows.
  Transition on(SessionEvent event);

  /// Who should be shown what, in roster order.
  List<Owed> owed();

  /// The view that `site` is owed now, signed; the same bytes whenever this state is folded again.
  Optional<SignedView> viewFor(SiteId site, MessageKey aggregator);

  /// The phase whose live deadline runs; from the votes on there is none.
  default Optional<SignedMessage.Phase> deadline() {
    return Optional.empty();
  }

  /// The chunk root that the site's signed header announced.
  default Optional<Digest> headerRoot(SiteId site) {
    return Optional.empty();
  }

  /// COMMIT from Releasing or Unmasking on; ABORT in Aborted after votes; none in Aborted before
  /// any masked input, which the next descriptor tells as `noMaskedInput`.
  default Optional<Certificate> certificate() {
    return Optional.empty();
  }

  /// U3 from Voting on, sorted.
  default List<SiteId> survivors() {
    return List.of();
  }

  default Optional<Verdict> verdict() {
    return Optional.empty();
  }

  /// Once Summed: the masks that do not cancel in the sum of the survivors' masked vectors, each as
  /// the surviving site applied it, for `SumAccumulator.remove`. One X25519 agreement for each pair
  /// of a survivor and a dropped site.
  default List<Mask> recovery() {
    throw new IllegalStateException("session in state " + state() + ": has no masks to remove");
  }

  /// Once Done: descriptor, all published messages, headers and certificate, from which anybody can
  /// check what was certified; once Aborted: descriptor and, if there is one, certificate. Holds no
  /// secret. `TranscriptVerifier` reads it.
  default byte[] transcript() {
    throw new IllegalStateException("session in state " + state() + ": has no transcript");
  }
}
