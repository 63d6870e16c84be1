package dev.comity.session;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/// A session's descriptor with its identity and the message key of every seat.
record Roster(
    SessionDescriptor descriptor, Digest session, SortedMap<SiteId, MessagePublicKey> keys) {
  private static final int WORTH_A_SECOND_CORE = 8;

  Roster {
    keys = Collections.unmodifiableSortedMap(new TreeMap<>(keys));
  }

  /// Fails with `SessionRefusal` when a seat is no member or listed with another key.
  static Roster of(SessionDescriptor descriptor, MembershipEpoch membership) {
    SortedMap<SiteId, MessagePublicKey> keys = new TreeMap<>();
    for (SessionDescriptor.Seat seat : descriptor.roster()) {
      MessagePublicKey key =
          membership
              .keyOf(seat.site())
              .filter(listed -> listed.fingerprint().equals(seat.key()))
              .orElseThrow(() ->
                  new SessionRefusal(
                      SessionRefusal.Reason.NOT_A_MEMBER,
                      "roster names %s with key %s; membership version %d does not"
                          .formatted(seat.site(), seat.key().abbreviated(), membership.version())));
      keys.put(seat.site(), key);
    }
    return new Roster(descriptor, descriptor.id(), keys);
  }

  /// n.
  int size() {
    return descriptor.roster().size();
  }

  /// The site at `place`, from 0.
  SiteId site(int place) {
    return descriptor.roster().get(place).site();
  }

  /// Refuses fewer than m.
  void requireSurvivors(String what, int count) {
    if (count < minSurvivors()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM,
          "%d %s; must be >= minSurvivors %d".formatted(count, what, minSurvivors()));
    }
  }

  int index(SiteId site) {
    return descriptor
        .indexOf(site)
        .orElseThrow(() ->
            new SessionRefusal(
                SessionRefusal.Reason.NOT_A_MEMBER, site + " is not in the session's roster"));
  }

  int threshold() {
    return descriptor.quorum().threshold();
  }

  int minSurvivors() {
    return descriptor.quorum().minSurvivors();
  }

  boolean holds(SiteId site) {
    return keys.containsKey(site);
  }

  MessagePublicKey key(SiteId site) {
    MessagePublicKey key = keys.get(site);
    if (key == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.NOT_A_MEMBER, site + " is not in the session's roster");
    }
    return key;
  }

  void verify(SignedMessage message, Digest preceding) {
    if (!message.session().equals(session)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "message of session %s in session %s"
              .formatted(message.session().abbreviated(), session.abbreviated()));
    }
    if (!message.verifies(key(message.sender()), preceding)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BAD_SIGNATURE,
          "%s of %s: its signature does not verify over this session and what came before"
              .formatted(message.phase(), message.sender()));
    }
  }

  /// As `verify` of each, on all cores when there are many.
  void verifyAll(Collection<SignedMessage> messages, Digest preceding) {
    if (messages.size() < WORTH_A_SECOND_CORE) {
      messages.forEach(message -> verify(message, preceding));
    } else {
      messages.parallelStream().forEach(message -> verify(message, preceding));
    }
  }

  /// By sender. Fails with `SessionRefusal` on a second message of one sender.
  static SortedMap<SiteId, SignedMessage> bySender(Collection<SignedMessage> messages) {
    SortedMap<SiteId, SignedMessage> bySender = new TreeMap<>();
    for (SignedMessage message : messages) {
      if (bySender.putIfAbsent(message.sender(), message) != null) {
        throw new SessionRefusal(
            SessionRefusal.Reason.INCONSISTENT_VIEW,
            "two messages %s of %s in one view".formatted(message.phase(), message.sender()));
      }
    }
    return bySender;
  }
}
