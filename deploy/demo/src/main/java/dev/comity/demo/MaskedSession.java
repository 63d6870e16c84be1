package dev.comity.demo;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.SiteId;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.session.Standing;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.SumAccumulator;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiPredicate;

/// One aggregation session between the aggregator's state machine and the sites' own sessions, in
/// this process: every message is signed, checked and kept as on the wire. Confined to one thread.
final class MaskedSession {
  static final long FEDERATION_EPOCH = 1;

  private final RoundPlan plan;
  private final MessageKey aggregator;
  private final Map<SiteId, Seat> seats;
  private final Map<SiteId, SiteSession> sessions = new HashMap<>();
  private final Map<SiteId, MaskedUpdate> spool = new HashMap<>();
  private ServerSession server;

  /// A site and its stored update of the plan's terms.
  record Seat(SiteSession.Site site, NoisedUpdate update) {}

  /// What a session with a result leaves.
  record Summed(AggregateUpdate sum, List<SiteId> survivors, Digest transcript) {
    Summed {
      survivors = List.copyOf(survivors);
    }
  }

  /// @param seats of the roster
  /// @param nonce unique to the session
  MaskedSession(
      RoundPlan plan,
      MembershipEpoch membership,
      MessageKey aggregator,
      Map<SiteId, Seat> seats,
      Digest nonce) {
    this.plan = plan;
    this.aggregator = aggregator;
    this.seats = Map.copyOf(seats);
    var limits = new SessionDescriptor.Limits(Duration.ofSeconds(30), Duration.ofMinutes(5));
    var descriptor =
        SessionDescriptor.of(
            plan,
            FEDERATION_EPOCH,
            1,
            nonce,
            Optional.empty(),
            membership,
            seats.keySet(),
            limits,
            limits,
            limits);
    this.server = ServerSession.open(descriptor, membership);
  }

  /// Runs to the end. A site answers a view if `answers` says so; when no site does any more,
  /// deadlines pass. Empty if the session was aborted, or if those who answer cannot end it.
  Optional<Summed> run(BiPredicate<SiteId, SignedView.Kind> answers) {
    boolean moving = true;
    while (moving) {
      moving = false;
      for (var owed : server.owed()) {
        if (server.owed().contains(owed) && answers.test(owed.site(), owed.view())) {
          moving |= deliver(owed.site(), owed.view());
        }
      }
      var deadline = server.deadline();
      if (!moving && deadline.isPresent()) {
        moving = send(new SessionEvent.PhaseDeadlinePassed(deadline.get()));
      }
    }
    settle();
    return server
        .verdict()
        .flatMap(verdict ->
            switch (verdict) {
              case ServerSession.Verdict.Summed(var survivors) -> Optional.of(summed(survivors));
              case ServerSession.Verdict.Aborted _ -> Optional.empty();
              case ServerSession.Verdict.Burned(var dealers, var reason) ->
                  throw new IllegalStateException(
                      "the session burned: %s; at fault: %s".formatted(reason, dealers));
            });
  }

  private Summed summed(List<SiteId> survivors) {
    var sum = new SumAccumulator(plan.terms().vector(), 1);
    survivors.forEach(site -> sum.add(of(site, spool)));
    sum.remove(server.recovery());
    return new Summed(sum.decode(survivors.size()), survivors, Digest.of(server.transcript()));
  }

  private boolean deliver(SiteId site, SignedView.Kind kind) {
    boolean moved = send(new SessionEvent.MessageReceived(answer(site, kind)));
    if (kind == SignedView.Kind.SHARES) {
      moved |= send(new SessionEvent.MaskedInputStored(site, of(site, spool).chunkRoot()));
    }
    return moved;
  }

  private SignedMessage answer(SiteId site, SignedView.Kind kind) {
    byte[] view = server.viewFor(site, aggregator).orElseThrow().encode();
    return switch (kind) {
      case DESCRIPTOR -> {
        var seat = of(site, seats);
        var session = SiteSession.open(seat.site(), plan, seat.update(), view);
        sessions.put(site, session);
        yield session.advertise();
      }
      case KEYS -> of(site, sessions).share(view);
      case SHARES -> {
        var input = of(site, sessions).mask(view);
        spool.put(site, input.update());
        yield input.header();
      }
      case HEADERS -> of(site, sessions).vote(view);
      case RELEASE -> of(site, sessions).release(view);
      case CERTIFICATE -> of(site, sessions).unmask(view);
      case ABORT_PROPOSAL -> of(site, sessions).abort(view);
    };
  }

  private boolean send(SessionEvent event) {
    return switch (server.on(event)) {
      case ServerSession.Transition.Moved(var next) -> {
        server = next;
        yield true;
      }
      case ServerSession.Transition.Ignored _ -> false;
      case ServerSession.Transition.Refused(_, var reason) ->
          throw new IllegalStateException("the aggregator refused an honest site: " + reason);
    };
  }

  /// The certificate reaches every site that sent its masked vector.
  private void settle() {
    server
        .certificate()
        .ifPresent(certificate ->
            spool
                .keySet()
                .forEach(site ->
                    Standing.settle(
                        of(site, seats).site().vault(),
                        of(site, seats).site().book(),
                        server.descriptor().id(),
                        certificate.encode())));
  }

  private static <T> T of(SiteId site, Map<SiteId, T> all) {
    return Objects.requireNonNull(all.get(site), site::value);
  }
}
