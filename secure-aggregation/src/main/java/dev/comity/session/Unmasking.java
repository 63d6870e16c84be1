package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// P5: the survivors are certified; the sites of U2 reveal the shares that unmask their sum,
/// without deadline. Nothing aborts the session any more.
record Unmasking(
    Dealing dealing,
    HeaderList headers,
    Certificate.Commit commit,
    SortedMap<SiteId, SignedMessage> answers)
    implements ServerSession {

  Unmasking {
    answers = Collections.unmodifiableSortedMap(new TreeMap<>(answers));
  }

  static Unmasking of(Dealing dealing, HeaderList headers, Certificate.Commit commit) {
    return new Unmasking(dealing, headers, commit, new TreeMap<>());
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
          Gate.check(dealing.roster(), message, SignedMessage.Phase.UNMASK, answers)
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
    if (!dealing.shares().holds(sender)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "answer of %s, which dealt no shares; it holds none that count".formatted(sender));
    }
    dealing.roster().verify(message, headers.h3());
    check(sender, UnmaskAnswer.of(message));
    SortedMap<SiteId, SignedMessage> now = new TreeMap<>(answers);
    now.put(sender, message);
    return new Transition.Moved(new Unmasking(dealing, headers, commit, now).concluded());
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

  /// Done once every secret has T shares, or once one of them can never have.
  private ServerSession concluded() {
    if (answers.size() < dealing.roster().threshold()) {
      return this;
    }
    Map<SiteId, SortedMap<SiteId, Bytes>> shares = sharesByDealer();
    int missing = dealing.shares().messages().size() - answers.size();
    int threshold = dealing.roster().threshold();
    List<SiteId> hopeless =
        dealing.shares().sites().stream()
            .filter(dealer -> sharesOf(shares, dealer).size() + missing < threshold)
            .toList();
    if (!hopeless.isEmpty()) {
      return burned(hopeless, "fewer than T sites could decrypt their shares");
    }
    boolean enough =
        dealing.shares().sites().stream()
            .allMatch(dealer -> sharesOf(shares, dealer).size() >= threshold);
    return enough ? reconstructed(shares) : this;
  }

  private ServerSession reconstructed(Map<SiteId, SortedMap<SiteId, Bytes>> shares) {
    Map<SiteId, byte[]> seeds = new HashMap<>();
    Map<SiteId, byte[]> maskSecrets = new HashMap<>();
    List<SiteId> inconsistent = new ArrayList<>();
    Map<List<Integer>, Lagrange> weights = new HashMap<>();
    for (SiteId dealer : dealing.shares().sites()) {
      Optional<byte[]> secret = secret(sharesOf(shares, dealer), weights);
      if (secret.filter(found -> fits(dealer, found)).isEmpty()) {
        inconsistent.add(dealer);
      } else if (headers.holds(dealer)) {
        seeds.put(dealer, secret.get());
      } else {
        maskSecrets.put(dealer, secret.get());
      }
    }
    return inconsistent.isEmpty()
        ? new Done(
            dealing,
            headers,
            commit,
            new Revealed(seeds, maskSecrets),
            new Verdict.Summed(headers.survivors()))
        : burned(inconsistent, "shares that were dealt give no secret of their dealer");
  }

  private Done burned(List<SiteId> dealers, String reason) {
    return new Done(
        dealing,
        headers,
        commit,
        new Revealed(Map.of(), Map.of()),
        new Verdict.Burned(dealers, reason));
  }

  /// The weights of one set of responders serve every dealer.
  private static final class Lagrange {
    private final long[] weights;

    Lagrange(List<Integer> xs) {
      weights = Shamir.weightsAtZero(xs.stream().mapToInt(Integer::intValue).toArray());
    }
  }

  private Optional<byte[]> secret(
      SortedMap<SiteId, Bytes> shares, Map<List<Integer>, Lagrange> weights) {
    List<SiteId> responders = shares.keySet().stream().limit(dealing.roster().threshold()).toList();
    List<Integer> xs =
        responders.stream().map(responder -> dealing.roster().index(responder) + 1).toList();
    byte[][] values =
        shares.values().stream()
            .limit(responders.size())
            .map(Bytes::toByteArray)
            .toArray(byte[][]::new);
    try {
      return Optional.of(
          Shamir.reconstruct(weights.computeIfAbsent(xs, Lagrange::new).weights, values));
    } catch (IllegalArgumentException _) {
      return Optional.empty(); // out of range: the caller names the dealer
    }
  }

  private boolean fits(SiteId dealer, byte[] secret) {
    Advertisement advertisement = dealing.keys().of(dealer);
    Roster roster = dealing.roster();
    return headers.holds(dealer)
        ? Secrets.seedCommitment(roster.session(), roster.index(dealer), secret)
            .equals(advertisement.seedCommitment())
        : Arrays.equals(X25519.publicKey(secret), advertisement.maskKey().toByteArray());
  }

  private Map<SiteId, SortedMap<SiteId, Bytes>> sharesByDealer() {
    Map<SiteId, SortedMap<SiteId, Bytes>> shares = new HashMap<>();
    answers.forEach((responder, message) -> {
      UnmaskAnswer answer = UnmaskAnswer.of(message);
      for (Map<SiteId, Bytes> given : List.of(answer.seedShares(), answer.keyShares())) {
        given.forEach((dealer, share) ->
            shares.computeIfAbsent(dealer, _ -> new TreeMap<>()).put(responder, share));
      }
    });
    return shares;
  }

  private static SortedMap<SiteId, Bytes> sharesOf(
      Map<SiteId, SortedMap<SiteId, Bytes>> shares, SiteId dealer) {
    return shares.getOrDefault(dealer, Collections.emptySortedMap());
  }

  @Override
  public List<Owed> owed() {
    return dealing.shares().sites().stream()
        .filter(site -> !answers.containsKey(site))
        .map(site -> new Owed(site, SignedView.Kind.CERTIFICATE))
        .toList();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return dealing.shares().holds(site) && !answers.containsKey(site)
        ? Optional.of(
            dealing.view(
                SignedView.Kind.CERTIFICATE,
                dealing.headersFor(site, headers).bytes("certificate", commit.encode()),
                aggregator))
        : Optional.empty();
  }

  @Override
  public Optional<Certificate> certificate() {
    return Optional.of(commit);
  }

  @Override
  public List<SiteId> survivors() {
    return headers.survivors();
  }
}
