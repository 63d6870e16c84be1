package dev.comity.session;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What every state asks of a message before it reads it.
final class Gate {
  private Gate() {}

  /// Empty when `message` is of `expected` and of a site of the roster; a site may have sent
  /// others.
  static Optional<ServerSession.Transition> check(
      Roster roster, SignedMessage message, SignedMessage.Phase expected) {
    return check(roster, message, expected, _ -> null);
  }

  /// Empty when `message` is a first message of `expected` from a site of the roster, and not too
  /// large to be read. `received` gives the digest of what a site sent before.
  static Optional<ServerSession.Transition> check(
      Roster roster,
      SignedMessage message,
      SignedMessage.Phase expected,
      Function<SiteId, @Nullable Digest> received) {
    SiteId sender = message.sender();
    if (!message.session().equals(roster.session())) {
      return refused(
          SessionRefusal.Reason.MISMATCH,
          "message of session %s in session %s"
              .formatted(message.session().abbreviated(), roster.session().abbreviated()));
    }
    if (!roster.holds(sender)) {
      return refused(
          SessionRefusal.Reason.NOT_A_MEMBER, sender + " is not in the roster of this session");
    }
    int order = message.phase().compareTo(expected);
    if (order < 0) {
      return ignored(
          ServerSession.Transition.Cause.LATE,
          "%s of %s came late: the session waits for %s"
              .formatted(message.phase(), sender, expected));
    }
    if (order > 0) {
      return refused(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "%s of %s came early: the session waits for %s"
              .formatted(message.phase(), sender, expected));
    }
    int most = mostBytes(roster, expected);
    if (message.body().size() > most) {
      return refused(
          SessionRefusal.Reason.TOO_LARGE,
          "%s of %s: %d bytes; must be <= %d"
              .formatted(expected, sender, message.body().size(), most));
    }
    Digest before = received.apply(sender);
    if (before == null) {
      return Optional.empty();
    }
    return same(before, message)
        ? ignored(
            ServerSession.Transition.Cause.REPEATED,
            "%s of %s was received already".formatted(message.phase(), sender))
        : refused(
            SessionRefusal.Reason.EQUIVOCATION,
            "a second, different %s of %s; send the first again"
                .formatted(message.phase(), sender));
  }

  private static int mostBytes(Roster roster, SignedMessage.Phase phase) {
    return switch (phase) {
      case ADVERTISE_KEYS -> Advertisement.mostBytes(roster.agreement());
      case SHARE_KEYS -> ShareDeliveries.MOST_BYTES;
      case MASKED_INPUT -> InputHeader.MOST_BYTES;
      case VOTE, RELEASE -> Ballot.MOST_BYTES;
      case UNMASK -> UnmaskAnswer.MOST_BYTES;
    };
  }

  private static boolean same(Digest before, SignedMessage message) {
    try {
      return before.equals(message.digest());
    } catch (SessionRefusal _) {
      return false; // a body that cannot be read differs from one that could
    }
  }

  /// The digest of the message of `site` in `messages`.
  static @Nullable Digest digest(Map<SiteId, SignedMessage> messages, SiteId site) {
    SignedMessage message = messages.get(site);
    return message == null ? null : message.digest();
  }

  /// A `SessionRefusal` inside becomes the transition.
  static ServerSession.Transition refusing(Supplier<ServerSession.Transition> work) {
    try {
      return work.get();
    } catch (SessionRefusal e) {
      return new ServerSession.Transition.Refused(e.reason(), e.getMessage());
    }
  }

  private static Optional<ServerSession.Transition> refused(
      SessionRefusal.Reason code, String reason) {
    return Optional.of(new ServerSession.Transition.Refused(code, reason));
  }

  private static Optional<ServerSession.Transition> ignored(
      ServerSession.Transition.Cause code, String reason) {
    return Optional.of(new ServerSession.Transition.Ignored(code, reason));
  }
}
