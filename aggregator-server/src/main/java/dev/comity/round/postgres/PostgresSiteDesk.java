package dev.comity.round.postgres;

import dev.comity.audit.AuditHeads;
import dev.comity.audit.Signals;
import dev.comity.codec.Bytes;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.ModelRegistry;
import dev.comity.registry.PublishedModel;
import dev.comity.round.Answer;
import dev.comity.round.Assignment;
import dev.comity.round.FederationAuthority;
import dev.comity.round.RoundEvent;
import dev.comity.round.RoundTransition;
import dev.comity.round.SiteDesk;
import dev.comity.round.SitePhase;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.time.Clock;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/// The sites' desk over PostgreSQL, the spool and the artifact store. What a site is owed follows
/// from the tables at every call; nothing is queued.
@Component
final class PostgresSiteDesk implements SiteDesk {

  private static final Logger LOG = LoggerFactory.getLogger(PostgresSiteDesk.class);

  private static final String ROUND_ENDED = "round-ended:";
  private static final String SESSION_ENDED = "session-ended:";

  /// Sites in these phases hold an update: a restarted agent needs the plan before any session
  /// step.
  private static final Set<SitePhase> HOLDING = EnumSet.of(SitePhase.READY, SitePhase.IN_SESSION);

  /// Sites in these phases have something to do with the plan of a live round.
  private static final Set<SitePhase> OFFERED =
      EnumSet.of(
          SitePhase.INVITED,
          SitePhase.REFUSED,
          SitePhase.TRAINING,
          SitePhase.PAUSED,
          SitePhase.READY,
          SitePhase.LOST);

  private final RunTransactions transactions;
  private final RoundStore store;
  private final Sessions sessions;
  private final Presence presence;
  private final Spool spool;
  private final ArtifactStore artifacts;
  private final ModelRegistry registry;
  private final FederationAuthority federation;
  private final AuditHeads heads;
  private final Signals signals;
  private final Clock clock;
  private final Map<SiteId, Digest> membershipSeen = new ConcurrentHashMap<>();
  private final Set<UploadKey> uploading = ConcurrentHashMap.newKeySet();

  private record UploadKey(Digest session, SiteId site) {}

  PostgresSiteDesk(
      RunTransactions transactions,
      RoundStore store,
      Sessions sessions,
      Presence presence,
      Spool spool,
      ArtifactStore artifacts,
      ModelRegistry registry,
      FederationAuthority federation,
      AuditHeads heads,
      Signals signals,
      Clock clock) {
    this.transactions = transactions;
    this.store = store;
    this.sessions = sessions;
    this.presence = presence;
    this.spool = spool;
    this.artifacts = artifacts;
    this.registry = registry;
    this.federation = federation;
    this.heads = heads;
    this.signals = signals;
    this.clock = clock;
  }

  @Override
  public Greeting greet(
      SiteId site,
      MessagePublicKey key,
      String agentVersion,
      long knownEpoch,
      List<Digest> openLocks) {
    return heard(site, () -> greeting(site, key, agentVersion, knownEpoch, openLocks));
  }

  private Greeting greeting(
      SiteId site,
      MessagePublicKey key,
      String agentVersion,
      long knownEpoch,
      List<Digest> openLocks) {
    var membership = federation.membership().orElse(null);
    var known = store.site(site);
    if (known.isEmpty()) {
      return new Greeting(
          new Answer.Refused(
              "site.unknown", "site " + site + " is not enrolled here; join with an invitation"),
          Standing.PENDING,
          federation.epoch(),
          membership);
    }
    var standing = Standing.valueOf(known.get().state());
    Answer.@Nullable Refused refusal = null;
    if (!known.get().messageKey().equals(Bytes.of(key.bytes()))
        && !replaced(site, key, membership)) {
      refusal =
          new Answer.Refused(
              "site.other-key",
              "the message key of site "
                  + site
                  + " is not the one it enrolled with; a site that lost its state enrols anew under another name");
    } else if (knownEpoch > federation.epoch()) {
      refusal =
          new Answer.Refused(
              "federation.older-epoch",
              "the site knows federation epoch "
                  + knownEpoch
                  + ", this aggregator is at "
                  + federation.epoch()
                  + "; its database was restored without raising the epoch");
    } else if (standing == Standing.REVOKED) {
      refusal =
          new Answer.Refused(
              "site.revoked",
              "site " + site + " is revoked; ask the consortium to admit a new key");
    }
    if (refusal == null) {
      store.greeted(site, agentVersion, clock.instant());
      for (var session : openLocks) {
        store.sessionEndOwed(session, site);
      }
      if (membership != null) {
        membershipSeen.put(site, membership.digest());
      }
      presence.greeted(site);
    }
    return new Greeting(refusal, standing, federation.epoch(), membership);
  }

  /// A member that has not seen the list yet that replaced its key is greeted, so that it sees it.
  private boolean replaced(
      SiteId site, MessagePublicKey key, @Nullable SignedMembership membership) {
    return Optional.ofNullable(membership)
        .flatMap(signed -> federation.membership(signed.digest()))
        .filter(epoch -> epoch.keyOf(site).isPresent())
        .flatMap(epoch -> epoch.revocation(key.fingerprint()))
        .filter(revocation -> revocation.site().equals(Optional.of(site)))
        .isPresent();
  }

  @Override
  public boolean greeted(SiteId site) {
    return presence.isGreeted(site);
  }

  @Override
  public Optional<Assignment> next(SiteId site, Set<String> handled, Duration patience)
      throws InterruptedException {
    var arrival = presence.arrive(site);
    try {
      arrived(site, arrival);
      handled.forEach(id -> handled(site, id));
      var topic = Signals.site(site.value());
      var end = clock.instant().plus(patience);
      while (true) {
        var ticket = signals.ticket(topic);
        var assignment = owed(site, handled);
        var left = Duration.between(clock.instant(), end);
        if (assignment.isPresent() || left.isNegative() || left.isZero()) {
          return assignment;
        }
        signals.await(topic, ticket, left);
      }
    } finally {
      presence.leave(site);
    }
  }

  private <T> T heard(SiteId site, Supplier<T> work) {
    var arrival = presence.arrive(site);
    try {
      arrived(site, arrival);
      return work.get();
    } finally {
      presence.leave(site);
    }
  }

  private void arrived(SiteId site, Presence.Arrival arrival) {
    if (arrival.write()) {
      store.seen(site, clock.instant());
    }
    if (arrival.returned()) {
      for (var round : store.liveRoundsOf(site)) {
        signals.signal(Signals.run(round.run().toString()));
      }
    }
  }

  private void handled(SiteId site, String id) {
    if (id.startsWith(ROUND_ENDED)) {
      var text = id.substring(ROUND_ENDED.length());
      if (text.matches("[0-9]{1,18}")) {
        store.roundEndHandled(Long.parseLong(text), site);
      }
    } else if (id.startsWith(SESSION_ENDED)) {
      var text = id.substring(SESSION_ENDED.length());
      if (text.matches("[0-9a-f]{64}")) {
        store.sessionEndHandled(Digest.fromHex(text), site);
      }
    }
  }

  private Optional<Assignment> owed(SiteId site, Set<String> handled) {
    var known = store.site(site);
    if (known.isEmpty() || known.get().state().equals("REVOKED")) {
      return Optional.empty();
    }
    var membership = federation.membership();
    return membershipChanged(site, handled, membership)
        .or(() ->
            known.get().state().equals("ACTIVE")
                ? work(site, handled, membership)
                : Optional.empty());
  }

  /// `membership` is the one that the site has seen.
  private Optional<Assignment> work(
      SiteId site, Set<String> handled, Optional<SignedMembership> membership) {
    return sessionEnded(site, handled)
        .or(() -> roundEnded(site, handled))
        .or(() -> offer(site, handled, HOLDING))
        .or(() -> sessionStep(site, handled, membership))
        .or(() -> offer(site, handled, OFFERED))
        .or(() -> auditHead(site, handled, membership));
  }

  private Optional<Assignment> membershipChanged(
      SiteId site, Set<String> handled, Optional<SignedMembership> membership) {
    return membership
        .filter(signed ->
            !Optional.of(signed.digest()).equals(Optional.ofNullable(membershipSeen.get(site))))
        .<Assignment>map(signed ->
            new Assignment.MembershipChanged("membership:" + signed.digest().hex(), signed))
        .filter(assignment -> !handled.contains(assignment.id()));
  }

  private Optional<Assignment> sessionEnded(SiteId site, Set<String> handled) {
    return store.endedSessionsOf(site).stream()
        .<Assignment>map(session ->
            new Assignment.SessionEnded(
                SESSION_ENDED + session.id().hex(), session.id(), session.certificate()))
        .filter(assignment -> !handled.contains(assignment.id()))
        .findFirst();
  }

  private Optional<Assignment> roundEnded(SiteId site, Set<String> handled) {
    return store.endedRoundsOf(site).stream()
        .filter(round -> !handled.contains(ROUND_ENDED + round.id()))
        .findFirst()
        .map(this::ended);
  }

  private Assignment ended(RoundRow round) {
    var id = ROUND_ENDED + round.id();
    var sum = round.sum();
    if (round.phase().equals("COMMITTED") && sum != null) {
      return new Assignment.RoundCommitted(
          id,
          round.run(),
          round.number(),
          store
              .modelVersion(round.id())
              .flatMap(registry::find)
              .map(PublishedModel::document)
              .orElse(null),
          round.planDigest(),
          sum,
          store.transcript(round.id()).orElseThrow());
    }
    return new Assignment.RoundAbandoned(
        id,
        round.run(),
        round.number(),
        Objects.requireNonNullElse(round.reason(), "the round was abandoned"));
  }

  /// Last of all: nothing waits for a countersignature. A head that the aggregator key of the seen
  /// membership did not sign would be refused; the next one is.
  private Optional<Assignment> auditHead(
      SiteId site, Set<String> handled, Optional<SignedMembership> membership) {
    var head = heads.newest();
    var size = head.head().size();
    var id = "audit:" + head.signed().digest().hex();
    return size == 0
            || handled.contains(id)
            || heads.countersigned(site, size)
            || membership
                .flatMap(seen -> federation.membership(seen.digest()))
                .filter(epoch -> head.signed().isSignedBy(epoch.aggregator()))
                .isEmpty()
        ? Optional.empty()
        : Optional.of(new Assignment.AuditHead(id, head.signed()));
  }

  /// A site enters no session of an older membership than it has seen, so it is not asked to.
  private Optional<Assignment> sessionStep(
      SiteId site, Set<String> handled, Optional<SignedMembership> membership) {
    for (var row : store.liveSessionsOf(site)) {
      var session = sessions.load(row).session();
      for (var owed : session.owed()) {
        if (owed.site().equals(site)
            && (owed.view() != SignedView.Kind.DESCRIPTOR
                || membership
                    .filter(seen -> seen.digest().equals(row.descriptor().membership()))
                    .isPresent())) {
          var view = view(row, session, site);
          if (view.isPresent()) {
            var digest = view.get().digest();
            var id =
                "step:" + row.id().abbreviated() + ":" + owed.view() + ":" + digest.abbreviated();
            if (!handled.contains(id)) {
              return Optional.of(
                  new Assignment.SessionStep(
                      id,
                      row.id(),
                      owed.view().answer(),
                      owed.view() == SignedView.Kind.ABORT_PROPOSAL,
                      digest,
                      row.deadline()));
            }
          }
        }
      }
    }
    return Optional.empty();
  }

  /// Signed as the session's membership names it.
  private Optional<SignedView> view(SessionRow row, ServerSession session, SiteId site) {
    return federation
        .messageKey(row.descriptor().membership())
        .flatMap(key -> session.viewFor(site, key));
  }

  private Optional<Assignment> offer(SiteId site, Set<String> handled, Set<SitePhase> phases) {
    var suspended = store.suspended().containsKey(site);
    for (var round : store.liveRoundsOf(site)) {
      var phase = store.state(round).roll().of(site).phase();
      if (phase == SitePhase.LOST) {
        transactions.in(round.run(), work -> seen(work, round.id(), site));
      }
      var id = "offer:" + round.planDigest().hex();
      if (!suspended && phases.contains(phase) && !handled.contains(id)) {
        var base = registry.find(round.plan().terms().baseModel());
        var plan = store.planBytes(round.planDigest());
        if (base.isPresent() && plan.isPresent()) {
          return Optional.of(
              new Assignment.RoundOffer(
                  id,
                  Bytes.of(plan.get()),
                  base.get().document(),
                  Duration.between(clock.instant(), round.hardDeadline())));
        }
      }
    }
    return Optional.empty();
  }

  /// The round as the run's lock shows it: one read before may have moved on since.
  private boolean seen(RunTransaction work, long round, SiteId site) {
    var current = store.round(round);
    return current.live()
        && work.apply(current, new RoundEvent.SiteSeen(site)) instanceof RoundTransition.Moved;
  }

  @Override
  public Answer report(SiteId site, RunId run, int number, Digest plan, RoundEvent event) {
    return heard(
        site,
        () ->
            transactions
                .in(run, work -> reported(work, site, number, plan, event))
                .orElseGet(
                    () -> new Answer.Refused("run.unknown", "run " + run + " is unknown here")));
  }

  private Answer reported(
      RunTransaction work, SiteId site, int number, Digest plan, RoundEvent event) {
    var round = store.round(work.run().id(), number);
    if (round.isEmpty() || !round.get().plan().cohort().contains(site)) {
      return new Answer.Refused(
          "round.unknown",
          "round " + number + " of run " + work.run().id() + " does not invite site " + site);
    }
    if (!round.get().planDigest().equals(plan)) {
      return new Answer.Refused(
          "plan.other",
          "round "
              + number
              + " has the plan "
              + round.get().planDigest().abbreviated()
              + ", the report names "
              + plan.abbreviated()
              + "; take the offer again");
    }
    return switch (work.apply(round.get(), event)) {
      case RoundTransition.Moved _ -> new Answer.Accepted();
      case RoundTransition.Ignored(var detail) -> new Answer.Ignored(detail);
    };
  }

  @Override
  public Answer send(SiteId site, SignedMessage message) {
    if (!message.sender().equals(site)) {
      return new Answer.Refused(
          "message.other-sender",
          "a message of " + message.sender() + " sent by " + site + "; a site speaks for itself");
    }
    return heard(
        site, () -> apply(site, message.session(), new SessionEvent.MessageReceived(message)));
  }

  private Answer apply(SiteId site, Digest session, SessionEvent event) {
    return store
        .runOf(session)
        .flatMap(run ->
            transactions.in(run, work -> work.apply(store.session(session).orElseThrow(), event)))
        .map(transition -> answer(site, session, transition))
        .orElseGet(() -> unknownSession(session));
  }

  private static Answer answer(SiteId site, Digest session, ServerSession.Transition transition) {
    return switch (transition) {
      case ServerSession.Transition.Moved _ -> new Answer.Accepted();
      case ServerSession.Transition.Ignored(_, var detail) -> new Answer.Ignored(detail);
      case ServerSession.Transition.Refused(var code, var detail) -> {
        LOG.atWarn()
            .addKeyValue("site", site)
            .addKeyValue("session", session.abbreviated())
            .addKeyValue("reason", code + ": " + detail)
            .log("session message refused");
        yield new Answer.Refused(
            "message." + code.name().toLowerCase(Locale.ROOT).replace('_', '-'), detail);
      }
    };
  }

  private static Answer.Refused unknownSession(Digest session) {
    return new Answer.Refused(
        "session.unknown", "session " + session.abbreviated() + " is unknown here");
  }

  @Override
  public Upload uploaded(SiteId site, Digest session) {
    return heard(
        site,
        () -> {
          var row = store.session(session);
          if (row.isEmpty()) {
            return new Upload(unknownSession(session), 0, false);
          }
          if (store.uploadRoot(session, site).isPresent()) {
            return new Upload(new Answer.Accepted(), length(row.get()), true);
          }
          try {
            var root = sessions.load(row.get()).session().headerRoot(site);
            return root.isPresent() && spool.holds(session, root.get())
                ? sealed(site, row.get(), root.get(), length(row.get()))
                : new Upload(new Answer.Accepted(), spool.received(session, site), false);
          } catch (IOException failed) {
            throw new UncheckedIOException(
                "the spool of session " + session.abbreviated() + " cannot be read", failed);
          }
        });
  }

  @Override
  public Upload upload(SiteId site, Digest session, long offset, List<ByteBuffer> bytes)
      throws IOException {
    var arrival = presence.arrive(site);
    var key = new UploadKey(session, site);
    if (!uploading.add(key)) {
      presence.leave(site);
      return new Upload(
          new Answer.Ignored("another upload of the same vector is under way"), offset, false);
    }
    try {
      arrived(site, arrival);
      return received(site, session, offset, bytes);
    } finally {
      uploading.remove(key);
      presence.leave(site);
    }
  }

  private Upload received(SiteId site, Digest session, long offset, List<ByteBuffer> bytes)
      throws IOException {
    var row = store.session(session);
    if (row.isEmpty()) {
      return new Upload(unknownSession(session), 0, false);
    }
    var length = length(row.get());
    if (store.uploadRoot(session, site).isPresent()) {
      return new Upload(new Answer.Ignored("the vector is complete"), length, true);
    }
    var folded = sessions.load(row.get()).session();
    if (folded.state() != ServerSession.State.COLLECTING) {
      return new Upload(
          new Answer.Ignored("the session is " + folded.state() + " and takes no vector"),
          0,
          false);
    }
    var root = folded.headerRoot(site);
    if (root.isEmpty()) {
      return new Upload(
          new Answer.Refused(
              "upload.no-header",
              "site " + site + " has sent no signed header; send it before the vector"),
          0,
          false);
    }
    var expected = spool.received(session, site);
    var count = bytes.stream().mapToLong(ByteBuffer::remaining).sum();
    if (offset != expected) {
      return new Upload(
          new Answer.Refused(
              "upload.offset",
              "chunk at offset "
                  + offset
                  + " where "
                  + expected
                  + " bytes lie; ask for the upload's status and go on there"),
          expected,
          false);
    }
    if (offset + count > length) {
      return new Upload(
          new Answer.Refused(
              "upload.too-long",
              "vector of at least "
                  + (offset + count)
                  + " bytes, the plan's layout has "
                  + length
                  + "; encode by the plan"),
          expected,
          false);
    }
    var position = spool.append(session, site, offset, bytes);
    if (position < length) {
      var silence = row.get().descriptor().collecting().silence();
      store.uploadProgressed(session, site, position, clock.instant().plus(silence));
      return new Upload(new Answer.Accepted(), position, false);
    }
    return sealed(site, row.get(), root.get(), length);
  }

  private Upload sealed(SiteId site, SessionRow row, Digest root, long length) throws IOException {
    if (!spool.seal(row.id(), site, root)) {
      return new Upload(
          new Answer.Refused(
              "upload.other-root",
              "the vector's chunks do not give the root that the signed header carries; upload it anew from offset 0"),
          0,
          false);
    }
    var run = store.runOf(row.id()).orElseThrow();
    var answer =
        transactions
            .in(
                run,
                work -> {
                  var transition =
                      work.apply(
                          store.session(row.id()).orElseThrow(),
                          new SessionEvent.MaskedInputStored(site, root));
                  if (transition instanceof ServerSession.Transition.Moved) {
                    store.uploaded(row.id(), site, root, length);
                    store.maskedDigest(row.round(), site, root);
                  }
                  return answer(site, row.id(), transition);
                })
            .orElseThrow();
    return new Upload(answer, length, answer instanceof Answer.Accepted);
  }

  private long length(SessionRow row) {
    return store.round(row.round()).plan().terms().vector().byteLength();
  }

  @Override
  public Optional<Content> fetch(SiteId site, Digest digest, long offset) throws IOException {
    var arrival = presence.arrive(site);
    try {
      arrived(site, arrival);
      return content(site, digest, offset);
    } finally {
      presence.leave(site);
    }
  }

  private Optional<Content> content(SiteId site, Digest digest, long offset) throws IOException {
    var document = document(site, digest);
    if (document.isPresent()) {
      return Optional.of(slice(document.get(), offset));
    }
    if (!artifacts.exists(digest) || !mayRead(site, digest)) {
      return Optional.empty();
    }
    return Optional.of(
        new Content(artifacts.size(digest), Channels.newChannel(artifacts.open(digest, offset))));
  }

  private static Content slice(byte[] document, long offset) {
    if (offset < 0 || offset > document.length) {
      throw new IllegalArgumentException(
          "offset " + offset + " in content of " + document.length + " bytes");
    }
    var start = Math.toIntExact(offset);
    return new Content(
        document.length,
        Channels.newChannel(new ByteArrayInputStream(document, start, document.length - start)));
  }

  /// Views of live sessions, certificates, plans and model versions.
  private Optional<byte[]> document(SiteId site, Digest digest) {
    for (var row : store.liveSessionsOf(site)) {
      var view = view(row, sessions.load(row).session(), site);
      if (view.isPresent() && view.get().digest().equals(digest)) {
        return Optional.of(view.get().encode());
      }
    }
    for (var certificate : store.certificatesOf(site)) {
      if (Digest.of(certificate).equals(digest)) {
        return Optional.of(certificate);
      }
    }
    if (!mayRead(site, digest)) {
      return Optional.empty();
    }
    return store
        .planBytes(digest)
        .or(() -> registry.find(digest).map(model -> model.document().toByteArray()));
  }

  private boolean mayRead(SiteId site, Digest digest) {
    if (store.entitled(site, digest)) {
      return true;
    }
    for (var run : store.runsOf(site)) {
      for (var model : registry.versions(run)) {
        var version = model.version();
        if (model.digest().equals(digest)
            || version.weights().equals(digest)
            || version.optimizerState().equals(digest)
            || version.parameters().equals(digest)) {
          return true;
        }
      }
    }
    return false;
  }
}
