package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.Noise;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.Quorum;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// Everything that one attempt to sum a roster's updates is bound to. `id` is the SHA-256 of the
/// canonical encoding: the session's identity, hence part of every key, signature and vote of it.
///
/// `roster` is sorted by site; a site's place in it is its index in every formula, and its Shamir x
/// is index + 1. `nonce` is 32 fresh random bytes. Constructors fail with IllegalArgumentException,
/// naming field, value and limit.
public record SessionDescriptor(
    FederationId federation,
    long federationEpoch,
    RunId run,
    int round,
    int attempt,
    Digest nonce,
    Optional<Previous> previous,
    Digest plan,
    Digest terms,
    Digest membership,
    long membershipVersion,
    List<Seat> roster,
    Quorum quorum,
    Digest vectorLayout,
    int bits,
    Noise noise,
    Suite suite,
    Graph graph,
    Limits advertising,
    Limits sharing,
    Limits collecting) {

  private static final int MOST_NOISE_BYTES = 1024;

  /// The largest roster; above 512 sites it takes a ring.
  static final int MOST_SITES = GraphRule.MOST_SITES;

  private static final String COMPLETE = "COMPLETE";
  private static final String REGULAR = "REGULAR";

  /// One site of the roster and the SHA-256 of its Ed25519 message key.
  public record Seat(SiteId site, Digest key) {}

  /// Silence ends a phase at `silence` without progress, `hard` ends it in any case.
  public record Limits(Duration silence, Duration hard) {
    public Limits {
      if (silence.isNegative() || silence.isZero() || hard.compareTo(silence) < 0) {
        throw new IllegalArgumentException(
            "phase limits: silence %s and hard %s; must be 0 < silence <= hard"
                .formatted(silence, hard));
      }
    }
  }

  /// How the session before this one over the same updates ended.
  public sealed interface Previous {
    Digest session();

    /// It ended before anybody could have sent a masked input. A site that did send one refuses.
    record NoMaskedInput(Digest session) implements Previous {}

    /// It ended with an ABORT certificate of this digest.
    record Aborted(Digest session, Digest certificate) implements Previous {}
  }

  /// Generator of the masks and cipher of the shares.
  public enum Suite {
    /// X25519, HKDF-SHA-256, AES-256-CTR masks, AES-256-GCM shares.
    X25519_AES_256_CTR
  }

  /// Who shares masks and secrets with whom.
  public sealed interface Graph {

    /// Everybody with everybody, T shares of each secret.
    record Complete() implements Graph {}

    /// Each site with the `degree` next to it on a ring, `threshold` shares of each secret, should
    /// all sites of the roster advertise keys. `rule` gives both again for those that do.
    record Regular(int degree, int threshold, GraphRule rule) implements Graph {

      /// The ring over the `members` of U1. Fails with `SessionRefusal` when there is none.
      GraphRule.Ring ring(Roster roster, int members) {
        int nC = roster.descriptor().quorum().nC();
        return rule.ring(members, nC)
            .orElseThrow(() ->
                new SessionRefusal(
                    SessionRefusal.Reason.QUORUM,
                    "%d sites advertised keys: no ring over so few withstands nC = %d"
                        .formatted(members, nC)));
      }
    }
  }

  public SessionDescriptor {
    roster = List.copyOf(roster);
    if (federationEpoch < 1 || round < 1 || attempt < 1 || membershipVersion < 1) {
      throw new IllegalArgumentException(
          "federationEpoch %d, round %d, attempt %d, membershipVersion %d: each must be >= 1"
              .formatted(federationEpoch, round, attempt, membershipVersion));
    }
    for (int i = 1; i < roster.size(); i++) {
      if (roster.get(i - 1).site().compareTo(roster.get(i).site()) >= 0) {
        throw new IllegalArgumentException(
            "roster: %s follows %s; must be sorted by site and name each once"
                .formatted(roster.get(i).site(), roster.get(i - 1).site()));
      }
    }
    if (roster.size() != quorum.n()) {
      throw new IllegalArgumentException(
          "roster of %d sites with n = %d; must be equal".formatted(roster.size(), quorum.n()));
    }
    int most =
        switch (graph) {
          case Graph.Complete _ -> GraphRule.STANDARD.mostComplete();
          case Graph.Regular _ -> MOST_SITES;
        };
    if (roster.size() > most) {
      throw new IllegalArgumentException(
          "roster of %d sites on %s; must be <= %d".formatted(roster.size(), graph, most));
    }
    Quorum.check(quorum.n(), quorum.nC(), quorum.minHonest());
  }

  /// The descriptor of a session of `plan` over `sites`, each a member of `membership`, on the
  /// graph of the standard rule.
  public static SessionDescriptor of(
      RoundPlan plan,
      long federationEpoch,
      int attempt,
      Digest nonce,
      Optional<Previous> previous,
      MembershipEpoch membership,
      Collection<SiteId> sites,
      Limits advertising,
      Limits sharing,
      Limits collecting) {
    return of(
        plan,
        federationEpoch,
        attempt,
        nonce,
        previous,
        membership,
        sites,
        GraphRule.STANDARD,
        advertising,
        sharing,
        collecting);
  }

  /// As above, on the graph of `rule`, which every site must know as its own.
  public static SessionDescriptor of(
      RoundPlan plan,
      long federationEpoch,
      int attempt,
      Digest nonce,
      Optional<Previous> previous,
      MembershipEpoch membership,
      Collection<SiteId> sites,
      GraphRule rule,
      Limits advertising,
      Limits sharing,
      Limits collecting) {
    if (sites.size() > plan.terms().encoding().nMax()) {
      throw new IllegalArgumentException(
          "roster of %d sites, while the plan's encoding fits n_max = %d; name fewer sites or raise encoding.nMax"
              .formatted(sites.size(), plan.terms().encoding().nMax()));
    }
    List<Seat> roster =
        sites.stream()
            .sorted()
            .map(site ->
                new Seat(
                    site,
                    membership
                        .keyOf(site)
                        .orElseThrow(() ->
                            new IllegalArgumentException(
                                "site %s is not in membership version %d; admit it first"
                                    .formatted(site, membership.version())))
                        .fingerprint()))
            .toList();
    return new SessionDescriptor(
        plan.terms().federation(),
        federationEpoch,
        plan.terms().run(),
        plan.round(),
        attempt,
        nonce,
        previous,
        plan.digest(),
        plan.terms().digest(),
        membership.digest(),
        membership.version(),
        roster,
        new Quorum(sites.size(), plan.nC(), plan.minHonest()),
        plan.terms().vector().digest(),
        plan.terms().encoding().bits(),
        plan.terms().noise(),
        Suite.X25519_AES_256_CTR,
        rule.graph(sites.size(), plan.nC()),
        advertising,
        sharing,
        collecting);
  }

  /// sessionId.
  public Digest id() {
    return Digest.of(encode());
  }

  /// Place of `site` in the roster, from 0.
  public OptionalInt indexOf(SiteId site) {
    int low = 0;
    int high = roster.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = roster.get(middle).site().compareTo(site);
      if (order == 0) {
        return OptionalInt.of(middle);
      } else if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return OptionalInt.empty();
  }

  public byte[] encode() {
    CborWriter out =
        CborWriter.map()
            .text("federation", federation.value())
            .integer("federationEpoch", federationEpoch)
            .text("run", run.toString())
            .integer("round", round)
            .integer("attempt", attempt)
            .bytes("nonce", nonce.bytes())
            .map("previous", previous.map(SessionDescriptor::previousToCbor))
            .bytes("plan", plan.bytes())
            .bytes("terms", terms.bytes())
            .bytes("membership", membership.bytes())
            .integer("membershipVersion", membershipVersion)
            .maps(
                "roster",
                roster,
                seat ->
                    CborWriter.map()
                        .text("site", seat.site().value())
                        .bytes("key", seat.key().bytes()))
            .integer("n", quorum.n())
            .integer("nC", quorum.nC())
            .integer("minHonest", quorum.minHonest())
            .integer("threshold", quorum.threshold())
            .integer("minSurvivors", quorum.minSurvivors())
            .bytes("vectorLayout", vectorLayout.bytes())
            .integer("bits", bits)
            .bytes("noise", PlanCodec.encode(noise))
            .text("suite", suite.name())
            .text(
                "graph",
                switch (graph) {
                  case Graph.Complete _ -> COMPLETE;
                  case Graph.Regular _ -> REGULAR;
                })
            .map(
                "ring",
                switch (graph) {
                  case Graph.Complete _ -> Optional.empty();
                  case Graph.Regular ring -> Optional.of(ringToCbor(ring));
                })
            .map("advertising", limitsToCbor(advertising))
            .map("sharing", limitsToCbor(sharing))
            .map("collecting", limitsToCbor(collecting));
    return out.toBytes();
  }

  /// Fails with `SessionRefusal` when the bytes are no descriptor in its one encoding, or T or m do
  /// not follow from n, n_C, minHonest.
  public static SessionDescriptor decode(byte[] bytes) {
    SessionDescriptor descriptor =
        Refusals.malformed(
            "session descriptor",
            () -> CborReader.read(bytes, "SessionDescriptor", SessionDescriptor::fromCbor));
    if (!Arrays.equals(bytes, descriptor.encode())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MALFORMED, "session descriptor: not in its canonical encoding");
    }
    return descriptor;
  }

  private static SessionDescriptor fromCbor(CborReader in) {
    Quorum quorum = new Quorum(in.int32("n"), in.int32("nC"), in.int32("minHonest"));
    int threshold = in.int32("threshold");
    int minSurvivors = in.int32("minSurvivors");
    if (threshold != quorum.threshold() || minSurvivors != quorum.minSurvivors()) {
      throw new IllegalArgumentException(
          "threshold %d and minSurvivors %d for n = %d, nC = %d, minHonest = %d; must be %d and %d"
              .formatted(
                  threshold,
                  minSurvivors,
                  quorum.n(),
                  quorum.nC(),
                  quorum.minHonest(),
                  quorum.threshold(),
                  quorum.minSurvivors()));
    }
    return new SessionDescriptor(
        new FederationId(in.text("federation")),
        in.integer("federationEpoch"),
        RunId.parse(in.text("run")),
        in.int32("round"),
        in.int32("attempt"),
        digest(in, "nonce"),
        in.optionalMap("previous", SessionDescriptor::previousFromCbor),
        digest(in, "plan"),
        digest(in, "terms"),
        digest(in, "membership"),
        in.integer("membershipVersion"),
        in.maps("roster", seat -> new Seat(new SiteId(seat.text("site")), digest(seat, "key"))),
        quorum,
        digest(in, "vectorLayout"),
        in.int32("bits"),
        PlanCodec.decodeNoise(in.bytes("noise", 1, MOST_NOISE_BYTES).toByteArray()),
        Suite.valueOf(in.text("suite")),
        graphFromCbor(in),
        in.map("advertising", SessionDescriptor::limitsFromCbor),
        in.map("sharing", SessionDescriptor::limitsFromCbor),
        in.map("collecting", SessionDescriptor::limitsFromCbor));
  }

  private static CborWriter ringToCbor(Graph.Regular ring) {
    return CborWriter.map()
        .integer("degree", ring.degree())
        .integer("threshold", ring.threshold())
        .integer("mostComplete", ring.rule().mostComplete())
        .integer("securityExponent", ring.rule().securityExponent())
        .integer("livenessExponent", ring.rule().livenessExponent())
        .integer("dropOutPermille", ring.rule().dropOutPermille());
  }

  private static Graph graphFromCbor(CborReader in) {
    String graph = in.text("graph");
    return switch (graph) {
      case COMPLETE -> new Graph.Complete();
      case REGULAR ->
          in.map(
              "ring",
              ring ->
                  new Graph.Regular(
                      ring.int32("degree"),
                      ring.int32("threshold"),
                      new GraphRule(
                          ring.int32("mostComplete"),
                          ring.int32("securityExponent"),
                          ring.int32("livenessExponent"),
                          ring.int32("dropOutPermille"))));
      default ->
          throw new IllegalArgumentException(
              "graph \"%s\"; must be %s or %s".formatted(graph, COMPLETE, REGULAR));
    };
  }

  static Digest digest(CborReader in, String field) {
    return Digest.ofValue(in.bytes(field, 32));
  }

  private static CborWriter limitsToCbor(Limits limits) {
    return CborWriter.map()
        .integer("silenceMillis", limits.silence().toMillis())
        .integer("hardMillis", limits.hard().toMillis());
  }

  private static Limits limitsFromCbor(CborReader in) {
    return new Limits(
        Duration.ofMillis(in.integer("silenceMillis")),
        Duration.ofMillis(in.integer("hardMillis")));
  }

  private static CborWriter previousToCbor(Previous previous) {
    CborWriter out = CborWriter.map().bytes("session", previous.session().bytes());
    return switch (previous) {
      case Previous.NoMaskedInput _ -> out.bool("noMaskedInput", true);
      case Previous.Aborted aborted -> out.bytes("certificate", aborted.certificate().bytes());
    };
  }

  private static Previous previousFromCbor(CborReader in) {
    Digest session = digest(in, "session");
    Optional<Bytes> certificate = in.optionalBytes("certificate", 32, 32);
    if (certificate.isPresent()) {
      return new Previous.Aborted(session, Digest.ofValue(certificate.get()));
    }
    if (!in.bool("noMaskedInput")) {
      throw new IllegalArgumentException("noMaskedInput false; must be true or left out");
    }
    return new Previous.NoMaskedInput(session);
  }
}
