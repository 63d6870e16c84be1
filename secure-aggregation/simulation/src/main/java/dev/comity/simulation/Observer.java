package dev.comity.simulation;

import static dev.comity.simulation.Violation.Invariant.CHARGED_ON_RECORD;
import static dev.comity.simulation.Violation.Invariant.IDENTICAL_BYTES;
import static dev.comity.simulation.Violation.Invariant.NO_RESULT_BESIDE_ABORT;
import static dev.comity.simulation.Violation.Invariant.NO_SMALL_SUM;
import static dev.comity.simulation.Violation.Invariant.NO_SURPRISE;
import static dev.comity.simulation.Violation.Invariant.ONE_CERTIFICATE;
import static dev.comity.simulation.Violation.Invariant.ONE_RELEASE;
import static dev.comity.simulation.Violation.Invariant.ONE_SECRET_A_SITE;
import static dev.comity.simulation.Violation.Invariant.SUM_OF_THE_CERTIFIED;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SignedMessage;
import dev.comity.update.AggregateUpdate;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiFunction;

/// Sees everything that passes and holds it to what is promised. What the sites of `adverse` know
/// and what the aggregator receives is in the adversary's hands; every one of them votes for
/// anything and shows every share that it was dealt.
final class Observer {
  private final Set<SiteId> adverse;
  private final SimulatedFederation federation;
  private final Map<Digest, Seen> sessions = new TreeMap<>();
  private final Map<String, Bytes> sent = new HashMap<>();

  /// Released sums: the site to the session.
  private final SortedMap<SiteId, Digest> released = new TreeMap<>();

  /// What was seen of one session.
  private static final class Seen {
    private final SessionDescriptor descriptor;

    /// Dealer to those whose share of its seed, or of its mask key, the aggregator received.
    private final Map<SiteId, Set<SiteId>> seedShares = new TreeMap<>();

    private final Map<SiteId, Set<SiteId>> keyShares = new TreeMap<>();

    /// Those whose masked vector exists, and the U2 that it is masked over.
    private final SortedMap<SiteId, SortedSet<SiteId>> masked = new TreeMap<>();

    private final Map<Digest, SortedSet<SiteId>> survivors = new TreeMap<>();
    private final Map<Digest, Set<SiteId>> commits = new TreeMap<>();
    private final Map<Digest, Set<SiteId>> answers = new TreeMap<>();
    private final Set<SiteId> aborts = new TreeSet<>();

    Seen(SessionDescriptor descriptor) {
      this.descriptor = descriptor;
    }
  }

  Observer(SimulatedFederation federation, Collection<SiteId> adverse) {
    this.federation = federation;
    this.adverse = new TreeSet<>(adverse);
  }

  /// The aggregator opened a session.
  void opened(SessionDescriptor descriptor) {
    sessions.putIfAbsent(descriptor.id(), new Seen(descriptor));
  }

  private Seen seen(Digest session) {
    return Objects.requireNonNull(sessions.get(session));
  }

  boolean trusted(SiteId site) {
    return !adverse.contains(site);
  }

  /// A site's vector is about to leave it.
  void masked(SiteId site, Claim claim, Digest vector, boolean charged) {
    if (trusted(site)) {
      seen(claim.session()).masked.put(site, claim.shares());
      once("vector", site, claim.session(), Bytes.of(vector.bytes()));
      if (!charged) {
        throw new Violation(
            CHARGED_ON_RECORD,
            "%s sends a masked vector in %s and no charge for it is on stable storage"
                .formatted(site, claim.session().abbreviated()));
      }
      requireNoSmallSum(seen(claim.session()));
    }
  }

  /// A site's message is about to leave it.
  void said(SignedMessage message, Claim claim) {
    SiteId site = message.sender();
    if (!trusted(site)) {
      return;
    }
    Seen seen = seen(message.session());
    switch (message.phase()) {
      case ADVERTISE_KEYS, SHARE_KEYS, MASKED_INPUT ->
          once(message.phase().name(), site, message.session(), whole(message));
      case VOTE -> {
        if (aborts(message)) {
          once("ABORT", site, message.session(), whole(message));
          seen.aborts.add(site);
        } else {
          once("COMMIT", site, message.session(), whole(message));
          seen.survivors.put(claim.headers(), claim.survivors());
          seen.commits.computeIfAbsent(claim.headers(), _ -> new TreeSet<>()).add(site);
        }
        requireOneOutcome(seen);
      }
      case UNMASK -> {
        once("UNMASK", site, message.session(), whole(message));
        seen.survivors.put(claim.headers(), claim.survivors());
        seen.answers.computeIfAbsent(claim.headers(), _ -> new TreeSet<>()).add(site);
        revealed(seen, site, message);
        requireOneOutcome(seen);
        requireOneSecret(seen);
        requireNoSmallSum(seen);
        requireOneRelease(seen);
      }
      case RELEASE -> once("RELEASE", site, message.session(), whole(message));
    }
  }

  private static Bytes whole(SignedMessage message) {
    return Bytes.of(
        Digest.ofAll(message.body().toByteArray(), message.signature().toByteArray()).bytes());
  }

  private void once(String what, SiteId site, Digest session, Bytes content) {
    Bytes before = sent.putIfAbsent("%s %s %s".formatted(what, site, session.hex()), content);
    if (before != null && !before.equals(content)) {
      throw new Violation(
          IDENTICAL_BYTES,
          "%s sends another %s in %s than before".formatted(site, what, session.abbreviated()));
    }
  }

  private static boolean aborts(SignedMessage vote) {
    return CborReader.read(vote.body().toByteArray(), "Vote", in -> in.text("choice"))
        .equals("ABORT");
  }

  private static void revealed(Seen seen, SiteId responder, SignedMessage message) {
    BiFunction<CborReader, String, Set<SiteId>> dealers =
        (in, field) ->
            new TreeSet<>(
                in.maps(
                    field,
                    each -> {
                      SiteId dealer = new SiteId(each.text("dealer"));
                      each.bytes("share", 1, 1024);
                      return dealer;
                    }));
    CborReader.read(
        message.body().toByteArray(),
        "Unmask",
        in -> {
          dealers
              .apply(in, "seedShares")
              .forEach(dealer ->
                  seen.seedShares.computeIfAbsent(dealer, _ -> new TreeSet<>()).add(responder));
          dealers
              .apply(in, "keyShares")
              .forEach(dealer ->
                  seen.keyShares.computeIfAbsent(dealer, _ -> new TreeSet<>()).add(responder));
          return responder;
        });
  }

  /// How many of `voters` there are with all the adversary's sites.
  private int withTheAdverse(Seen seen, Collection<SiteId> voters) {
    Set<SiteId> all = new HashSet<>(voters);
    adverse.stream().filter(site -> seen.descriptor.indexOf(site).isPresent()).forEach(all::add);
    return all.size();
  }

  private boolean enough(Seen seen, Collection<SiteId> voters) {
    return withTheAdverse(seen, voters) >= seen.descriptor.quorum().threshold();
  }

  private boolean knows(Seen seen, Map<SiteId, Set<SiteId>> shares, SiteId dealer) {
    return adverse.contains(dealer) || enough(seen, shares.getOrDefault(dealer, Set.of()));
  }

  private void requireOneSecret(Seen seen) {
    for (SessionDescriptor.Seat seat : seen.descriptor.roster()) {
      SiteId site = seat.site();
      if (trusted(site)
          && knows(seen, seen.seedShares, site)
          && knows(seen, seen.keyShares, site)) {
        throw new Violation(
            ONE_SECRET_A_SITE,
            "the adversary has T shares of the self-mask seed and of the mask key of %s in %s"
                .formatted(site, seen.descriptor.id().abbreviated()));
      }
    }
  }

  private void requireOneOutcome(Seen seen) {
    Set<Digest> certified = new TreeSet<>();
    seen.commits.forEach((headers, voters) -> {
      if (enough(seen, voters)) {
        certified.add(headers);
      }
    });
    if (certified.size() > 1) {
      throw new Violation(
          ONE_CERTIFICATE,
          "%d sets of survivors of %s have T votes each"
              .formatted(certified.size(), seen.descriptor.id().abbreviated()));
    }
    if (enough(seen, seen.aborts)
        && seen.answers.values().stream().anyMatch(answers -> enough(seen, answers))) {
      throw new Violation(
          NO_RESULT_BESIDE_ABORT,
          "%s has T votes to abort and T answers to a certificate"
              .formatted(seen.descriptor.id().abbreviated()));
    }
  }

  private void requireOneRelease(Seen seen) {
    seen.answers.forEach((headers, answers) -> {
      if (enough(seen, answers)) {
        for (SiteId site : Objects.requireNonNull(seen.survivors.get(headers))) {
          Digest before = released.putIfAbsent(site, seen.descriptor.id());
          if (trusted(site) && before != null && !before.equals(seen.descriptor.id())) {
            throw new Violation(
                ONE_RELEASE,
                "the update of %s is in the sums of %s and of %s"
                    .formatted(site, before.abbreviated(), seen.descriptor.id().abbreviated()));
          }
        }
      }
    });
  }

  /// The adversary holds every masked vector and may combine them as it likes. A vector whose self
  /// mask it cannot take off is of no use. Of the others, masks with sites whose mask key it knows
  /// come off; a mask between two vectors cancels in their sum; one that a single vector carries
  /// hides it. What is left are groups of vectors of which the sum alone is known, and each must
  /// hold minHonest honest updates.
  private void requireNoSmallSum(Seen seen) {
    Set<SiteId> useful = new TreeSet<>();
    seen.masked.keySet().stream()
        .filter(site -> knows(seen, seen.seedShares, site))
        .forEach(useful::add);
    Set<SiteId> visited = new HashSet<>();
    for (SiteId start : useful) {
      if (!visited.add(start)) {
        continue;
      }
      boolean hidden = false;
      int size = 0;
      ArrayDeque<SiteId> queue = new ArrayDeque<>(Set.of(start));
      while (!queue.isEmpty()) {
        SiteId site = queue.remove();
        size++;
        for (SiteId peer : Objects.requireNonNull(seen.masked.get(site))) {
          if (peer.equals(site)
              || knows(seen, seen.keyShares, site)
              || knows(seen, seen.keyShares, peer)) {
            continue;
          }
          if (!useful.contains(peer)
              || !Objects.requireNonNull(seen.masked.get(peer)).contains(site)) {
            hidden = true;
          } else if (visited.add(peer)) {
            queue.add(peer);
          }
        }
      }
      if (!hidden && size < seen.descriptor.quorum().minHonest()) {
        throw new Violation(
            NO_SMALL_SUM,
            "the adversary can take every mask off the sum of %d honest updates with %s in %s; minHonest is %d"
                .formatted(
                    size,
                    start,
                    seen.descriptor.id().abbreviated(),
                    seen.descriptor.quorum().minHonest()));
      }
    }
  }

  /// The aggregator has a sum of these survivors.
  void summed(Digest session, Collection<SiteId> survivors, AggregateUpdate sum) {
    if (!Arrays.equals(sum.encode(), federation.plainSum(survivors).encode())) {
      throw new Violation(
          SUM_OF_THE_CERTIFIED,
          "the sum of %s is not the plain sum of %s".formatted(session.abbreviated(), survivors));
    }
  }

  /// Whether the update of `site` is in a released sum.
  boolean released(SiteId site) {
    return released.containsKey(site);
  }

  /// Something failed that the protocol has no name for.
  void surprised(SiteId site, RuntimeException e) {
    if (trusted(site)) {
      throw new Violation(NO_SURPRISE, site + " fails: " + e, e);
    }
  }
}
