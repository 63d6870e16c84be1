package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/// P5: the survivors are certified; the sites of U2 reveal the shares that unmask their sum,
/// without deadline. Nothing aborts the session any more.
///
/// `releases`: on a ring, T promises never to ABORT.
record Unmasking(
    Dealing dealing,
    HeaderList headers,
    CommitProof proof,
    Optional<Releases> releases,
    Answers answers)
    implements ServerSession {

  static Unmasking of(
      Dealing dealing, HeaderList headers, CommitProof proof, Optional<Releases> releases) {
    return new Unmasking(dealing, headers, proof, releases, Answers.none(dealing));
  }

  @Override
  public State state() {
    return State.UNMASKING;
  }

  @Override
  public SessionDescriptor descriptor() {
    return dealing.roster().descriptor();
  }

  @Override
  public Transition on(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          Gate.check(dealing.roster(), message, SignedMessage.Phase.UNMASK, answers::message)
              .orElseGet(() -> Gate.refusing(() -> accept(message)));
      case SessionEvent.MaskedInputStored(var site, _) ->
          new Transition.Ignored(
              Transition.Cause.LATE,
              "masked input of " + site + " came late: the survivors are fixed");
      case SessionEvent.PhaseDeadlinePassed(var phase) ->
          new Transition.Ignored(
              Transition.Cause.NOT_RUNNING,
              "the deadline of " + phase + " is not running: answers have none");
      case SessionEvent.Cancelled _ ->
          new Transition.Ignored(
              Transition.Cause.DECIDED,
              "the survivors are certified: the session goes on to its sum");
      case SessionEvent.MemberRevoked _ ->
          new Transition.Ignored(
              Transition.Cause.DECIDED,
              "the survivors are certified: the session goes on to its sum");
    };
  }

  private Transition accept(SignedMessage message) {
    SiteId sender = message.sender();
    dealing.requireDealer(sender);
    dealing.roster().verify(message, headers.h3());
    UnmaskAnswer answer = UnmaskAnswer.of(message);
    check(sender, answer);
    return new Transition.Moved(
        new Unmasking(dealing, headers, proof, releases, answers.with(message, answer))
            .concluded());
  }

  /// Every share is one that was asked for and the one that its dealer committed to: otherwise the
  /// responder is bad.
  private void check(SiteId responder, UnmaskAnswer answer) {
    answer
        .seedShares()
        .forEach((dealer, share) ->
            checkShare(responder, dealer, share, headers.holds(dealer), Labels.SEED_SHARE));
    answer
        .keyShares()
        .forEach((dealer, share) ->
            checkShare(
                responder,
                dealer,
                share,
                dealing.shares().holds(dealer) && !headers.holds(dealer),
                Labels.KEY_SHARE));
  }

  private void checkShare(
      SiteId responder, SiteId dealer, Bytes share, boolean asked, String label) {
    if (!asked) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "UNMASK of %s reveals a share of %s that the certificate does not ask for"
              .formatted(responder, dealer));
    }
    Delivery dealt = dealing.delivery(dealer, responder);
    Digest committed = label.equals(Labels.SEED_SHARE) ? dealt.seedShare() : dealt.keyShare();
    Roster roster = dealing.roster();
    Digest shown =
        Delivery.commitment(
            label,
            roster.session(),
            roster.index(dealer),
            roster.index(responder),
            share.toByteArray());
    if (!Shamir.wellFormed(share.toByteArray()) || !shown.equals(committed)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "UNMASK of %s: its share of %s is not the one that was dealt"
              .formatted(responder, dealer));
    }
  }

  /// Done once every secret has enough shares, or once one of them can never have.
  private ServerSession concluded() {
    if (answers.count() < dealing.roster().threshold()) {
      return this;
    }
    List<SiteId> hopeless = answers.hopeless();
    if (!hopeless.isEmpty()) {
      return unanswerable(hopeless);
    }
    return answers.suffice() ? reconstructed() : this;
  }

  /// A dealer is at fault when more than n_C answers leave its share out: one of them is honest and
  /// could not decrypt. Fewer may be the word of colluding sites against an honest dealer.
  private ServerSession unanswerable(List<SiteId> hopeless) {
    int nC = descriptor().quorum().nC();
    List<SiteId> atFault =
        hopeless.stream().filter(dealer -> answers.without(dealer).size() > nC).toList();
    if (!atFault.isEmpty()) {
      return burned(
          atFault,
          "fewer than %d sites could decrypt their shares"
              .formatted(dealing.keys().shareThreshold()));
    }
    SiteId one = hopeless.getFirst();
    return burned(
        List.of(),
        "the answers of %s leave out shares, of %s among others: with at most %d such answers nobody can tell whether its dealer or they are at fault"
            .formatted(names(answers.without(one)), one, nC));
  }

  private static String names(List<SiteId> sites) {
    return sites.stream().map(SiteId::value).collect(Collectors.joining(", "));
  }

  private record Secret(SiteId dealer, Optional<byte[]> found) {}

  private ServerSession reconstructed() {
    Map<List<Integer>, Lagrange> weights = new ConcurrentHashMap<>();
    List<Secret> secrets =
        dealing.shares().sites().parallelStream()
            .map(dealer ->
                new Secret(dealer, secret(answers.points(dealer), weights).filter(fits(dealer))))
            .toList();
    Map<SiteId, byte[]> seeds = new HashMap<>();
    Map<SiteId, byte[]> maskSecrets = new HashMap<>();
    List<SiteId> inconsistent = new ArrayList<>();
    for (Secret secret : secrets) {
      if (secret.found().isEmpty()) {
        inconsistent.add(secret.dealer());
      } else if (headers.holds(secret.dealer())) {
        seeds.put(secret.dealer(), secret.found().get());
      } else {
        maskSecrets.put(secret.dealer(), secret.found().get());
      }
    }
    return inconsistent.isEmpty()
        ? done(new Revealed(seeds, maskSecrets), new Verdict.Summed(headers.survivors()))
        : burned(inconsistent, "shares that were dealt give no secret of their dealer");
  }

  private Done burned(List<SiteId> dealers, String reason) {
    return done(new Revealed(Map.of(), Map.of()), new Verdict.Burned(dealers, reason));
  }

  private Done done(Revealed revealed, Verdict outcome) {
    return new Done(
        dealing, headers, proof.commit(), releases.map(Releases::votes), revealed, outcome);
  }

  /// The weights of one set of responders serve every dealer that has the same.
  private static final class Lagrange {
    private final long[] weights;

    Lagrange(List<Integer> xs) {
      weights = Shamir.weightsAtZero(xs.stream().mapToInt(Integer::intValue).toArray());
    }
  }

  private Optional<byte[]> secret(Answers.Points points, Map<List<Integer>, Lagrange> weights) {
    Lagrange lagrange =
        dealing.keys().onRing().isPresent()
            ? new Lagrange(points.xs()) // each dealer has receivers of its own
            : weights.computeIfAbsent(points.xs(), Lagrange::new);
    try {
      return Optional.of(points.secret(lagrange.weights));
    } catch (IllegalArgumentException _) {
      return Optional.empty(); // out of range: the caller names the dealer
    }
  }

  private Predicate<byte[]> fits(SiteId dealer) {
    Advertisement advertisement = dealing.keys().of(dealer);
    Roster roster = dealing.roster();
    return secret ->
        headers.holds(dealer)
            ? Secrets.seedCommitment(roster.session(), roster.index(dealer), secret)
                .equals(advertisement.seedCommitment())
            : Arrays.equals(X25519.publicKey(secret), advertisement.maskKey().toByteArray());
  }

  @Override
  public List<Owed> owed() {
    return dealing.shares().sites().stream()
        .filter(site -> !answers.holds(site))
        .map(site -> new Owed(site, SignedView.Kind.CERTIFICATE))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return dealing.shares().holds(site) && !answers.holds(site)
        ? Optional.of(
            dealing.view(
                SignedView.Kind.CERTIFICATE,
                withReleases(
                    dealing.headersFor(site, headers).bytes("certificate", proof.encoded())),
                aggregator))
        : Optional.empty();
  }

  private CborWriter withReleases(CborWriter content) {
    return releases.map(each -> content.item("releases", each.shown())).orElse(content);
  }

  @Override
  public Optional<Certificate> certificate() {
    return Optional.of(proof.commit());
  }

  @Override
  public List<SiteId> survivors() {
    return headers.survivors();
  }
}
