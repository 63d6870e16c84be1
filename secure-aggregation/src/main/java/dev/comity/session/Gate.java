package dev.comity.session;

import dev.comity.plan.SiteId;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// What every state asks of a message before it reads it.
final class Gate {
  private Gate() {}

  /// Empty when `message` is a first message of `expected` from a site of the roster.
  static Optional<ServerSession.Transition> check(
      Roster roster,
      SignedMessage message,
      SignedMessage.Phase expected,
      Map<SiteId, SignedMessage> received) {
    SiteId sender = message.sender();
    if (!message.session().equals(roster.session())) {
      return refused(
          "message of session %s in session %s"
              .formatted(message.session().abbreviated(), roster.session().abbreviated()));
    }
    if (!roster.holds(sender)) {
      return refused(sender + " is not in the roster of this session");
    }
    int order = message.phase().compareTo(expected);
    if (order < 0) {
      return ignored(
          "%s of %s came late: the session waits for %s"
              .formatted(message.phase(), sender, expected));
    }
    if (order > 0) {
      return refused(
          "%s of %s came early: the session waits for %s"
              .formatted(message.phase(), sender, expected));
    }
    SignedMessage before = received.get(sender);
    if (before == null) {
      return Optional.empty();
    }
    return before.equals(message)
        ? ignored("%s of %s was received already".formatted(message.phase(), sender))
        : refused(
            "a second, different %s of %s; send the first again"
                .formatted(message.phase(), sender));
  }

  static Map<SiteId, SignedMessage> messages(Map<SiteId, SharingKeys.Dealt> dealt) {
    Map<SiteId, SignedMessage> messages = new HashMap<>();
    dealt.forEach((site, each) -> messages.put(site, each.message()));
    return messages;
  }

  /// A `SessionRefusal` inside becomes the transition.
  static ServerSession.Transition refusing(Supplier<ServerSession.Transition> work) {
    try {
      return work.get();
    } catch (SessionRefusal e) {
      return new ServerSession.Transition.Refused(e.getMessage());
    }
  }

  private static Optional<ServerSession.Transition> refused(String reason) {
    return Optional.of(new ServerSession.Transition.Refused(reason));
  }

  private static Optional<ServerSession.Transition> ignored(String reason) {
    return Optional.of(new ServerSession.Transition.Ignored(reason));
  }
}
