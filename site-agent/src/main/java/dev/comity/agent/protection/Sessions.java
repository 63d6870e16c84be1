package dev.comity.agent.protection;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.Noise;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.SiteId;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionRefusal;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.session.SiteVault;
import dev.comity.session.Standing;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/// The site's part in its aggregation sessions. A session that an earlier process began goes on
/// where that process was.
///
/// Thread-safe: one call at a time.
public final class Sessions implements AutoCloseable {
  private final SiteId site;
  private final SiteKeys keys;
  private final UpdateStore updates;
  private final Function<Digest, Optional<RoundPlan>> plans;
  private final SiteVault vault;
  private final PrivacyBook book;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();
  private final Map<Digest, SiteSession> open = new HashMap<>();

  private Sessions(
      SiteId site,
      SiteKeys keys,
      UpdateStore updates,
      Function<Digest, Optional<RoundPlan>> plans,
      SiteVault vault,
      PrivacyBook book,
      Clock clock) {
    this.site = site;
    this.keys = keys;
    this.updates = updates;
    this.plans = plans;
    this.vault = vault;
    this.book = book;
    this.clock = clock;
  }

  /// Opens the site's vault, which no other process may hold.
  ///
  /// @param plans the plans that this site permitted, by digest
  public static Sessions inDirectory(
      Path directory,
      SiteId site,
      SiteKeys keys,
      UpdateStore updates,
      Function<Digest, Optional<RoundPlan>> plans,
      PrivacyBook book,
      Clock clock)
      throws IOException {
    keys.eraseUnneeded();
    return new Sessions(
        site,
        keys,
        updates,
        plans,
        SiteVault.inDirectory(directory, keys.siteSecret()),
        book,
        clock);
  }

  /// The bounds that this site demands of every session, beside the membership and the federation
  /// epoch that it knows.
  public record Bounds(
      long federationEpoch,
      MembershipEpoch membership,
      int nCFloor,
      int minHonestFloor,
      int minHonestRecordLevel) {

    private int minHonest(Noise noise) {
      return switch (noise) {
        case Noise.RecordLevel _ -> minHonestRecordLevel;
        case Noise.None _, Noise.Distributed _ -> minHonestFloor;
      };
    }
  }

  /// Updates that a session may still hold: terms digest to session.
  public synchronized Map<Digest, Digest> locks() {
    return vault.locks();
  }

  /// What became of the update of these terms.
  public synchronized Standing standing(Digest terms) {
    return Standing.of(vault, terms);
  }

  /// Enters the session of a descriptor view and gives the first message.
  ///
  /// @throws SessionRefusal when the session is not one that this site may enter
  public synchronized SignedMessage advertise(byte[] view, Bounds bounds) {
    var descriptor = SessionDescriptor.decode(SignedView.decode(view).document().toByteArray());
    if (open.containsKey(descriptor.id())) {
      return opened(descriptor.id(), bounds).advertise();
    }
    RoundPlan plan =
        plans
            .apply(descriptor.plan())
            .orElseThrow(() ->
                new SessionRefusal(
                    SessionRefusal.Reason.MISMATCH,
                    "session %s names plan %s, which this site has not permitted"
                        .formatted(
                            descriptor.id().abbreviated(), descriptor.plan().abbreviated())));
    NoisedUpdate update =
        stored(descriptor)
            .orElseThrow(() ->
                new SessionRefusal(
                    SessionRefusal.Reason.MISMATCH,
                    "session %s asks for an update that this site does not hold"
                        .formatted(descriptor.id().abbreviated())));
    var self = as(bounds, keys.messageKey(), bounds.minHonest(plan.terms().noise()));
    var session = SiteSession.open(self, plan, update, view);
    open.put(descriptor.id(), session);
    return session.advertise();
  }

  /// Goes on under the prepared message key if it is `listed`. What this site still has to sign in
  /// sessions that it entered before, it signs with the key that their roster names.
  ///
  /// @return false when this site does not hold the private half of `listed`
  public synchronized boolean follow(MessagePublicKey listed) {
    Digest present = keys.messageKey().publicKey().fingerprint();
    Set<Digest> entered = new HashSet<>(open.keySet());
    entered.addAll(vault.locks().values());
    entered.removeIf(session -> !SiteSession.signer(vault, session).equals(Optional.of(present)));
    return keys.follow(listed, entered);
  }

  /// The fingerprint of the message key with which this site signs in `session`.
  public synchronized Digest signer(Digest session) {
    return SiteSession.signer(vault, session)
        .orElseGet(() -> keys.messageKey().publicKey().fingerprint());
  }

  /// The plan of a session that this process took part in.
  public synchronized Optional<Digest> plan(Digest session) {
    return Optional.ofNullable(open.get(session)).map(known -> known.descriptor().plan());
  }

  /// Answers the view of keys.
  public synchronized SignedMessage share(Digest session, byte[] view, Bounds bounds) {
    return opened(session, bounds).share(view);
  }

  /// A signed header and the vector it announces: the header is sent first.
  public record MaskedInput(SignedMessage header, MaskedUpdate update) {}

  /// Answers the view of shares. From here on the update is in doubt until a certificate says more.
  public synchronized MaskedInput mask(Digest session, byte[] view, Bounds bounds) {
    var input = opened(session, bounds).mask(view);
    return new MaskedInput(input.header(), input.update());
  }

  /// Answers the view of headers.
  public synchronized SignedMessage vote(Digest session, byte[] view, Bounds bounds) {
    return opened(session, bounds).vote(view);
  }

  /// Answers a COMMIT certificate in a session on a ring: from here on this site never aborts it.
  public synchronized SignedMessage release(Digest session, byte[] view, Bounds bounds) {
    return opened(session, bounds).release(view);
  }

  /// Answers a COMMIT certificate, on a ring with the promises of a quorum.
  public synchronized SignedMessage unmask(Digest session, byte[] view, Bounds bounds) {
    return opened(session, bounds).unmask(view);
  }

  /// Answers a proposal to abort, also in a session that this site left.
  public synchronized SignedMessage abort(Digest session, byte[] view, Bounds bounds) {
    return opened(session, bounds).abort(view);
  }

  /// Gives back what is reserved for updates that nothing wants any more and no sum has.
  ///
  /// @param wanted whether a round that has not ended asks for the update with these terms
  public synchronized void releaseUnless(Predicate<Digest> wanted) {
    for (Digest terms : book.open()) {
      if (!wanted.test(terms)) {
        Standing.release(vault, book, terms);
      }
    }
  }

  /// Takes a certificate as the proof of how a session ended.
  public synchronized Standing settle(Digest session, byte[] certificate) {
    Standing standing = Standing.settle(vault, book, session, certificate);
    open.remove(session);
    keys.ended(session);
    return standing;
  }

  /// A session ended before any masked input: its update is free, unless this site did send one.
  public synchronized Standing endedUnsent(Digest session) {
    Standing standing = Standing.UNSENT;
    for (var lock : vault.locks().entrySet()) {
      if (lock.getValue().equals(session)) {
        standing = Standing.of(vault, lock.getKey());
        if (standing == Standing.UNSENT) {
          SiteSession.leave(vault, session);
        }
      }
    }
    open.remove(session);
    if (standing != Standing.IN_DOUBT) {
      keys.ended(session);
    }
    return standing;
  }

  /// Leaves the session that holds the update of `terms`, if one does and no masked vector of it
  /// exists; gives what then stands of the update.
  public synchronized Standing leave(Digest terms) {
    Digest session = vault.locks().get(terms);
    if (session != null && Standing.of(vault, terms) == Standing.UNSENT) {
      SiteSession.leave(vault, session);
      open.remove(session);
      keys.ended(session);
    }
    return Standing.of(vault, terms);
  }

  @Override
  public synchronized void close() {
    vault.close();
  }

  private SiteSession.Site as(Bounds bounds, MessageKey key, int minHonest) {
    return new SiteSession.Site(
        site,
        key,
        bounds.federationEpoch(),
        bounds.membership(),
        vault,
        book,
        bounds.nCFloor(),
        minHonest,
        clock,
        random);
  }

  private SiteSession opened(Digest session, Bounds bounds) {
    SiteSession known = open.get(session);
    if (known == null) {
      // What the floors are held against was checked when the session was entered.
      var self = as(bounds, keyOf(session), bounds.minHonestFloor());
      known = SiteSession.reopen(self, session, this::stored);
      open.put(session, known);
    }
    known.learn(bounds.membership());
    return known;
  }

  private MessageKey keyOf(Digest session) {
    return keys.messageKey(signer(session))
        .orElseThrow(() ->
            new SessionRefusal(
                SessionRefusal.Reason.OUT_OF_ORDER,
                "session %s has ended, and the message key that this site had in it is erased"
                    .formatted(session.abbreviated())));
  }

  private Optional<NoisedUpdate> stored(SessionDescriptor descriptor) {
    return plans.apply(descriptor.plan()).flatMap(plan -> updates.load(plan.terms()));
  }
}
