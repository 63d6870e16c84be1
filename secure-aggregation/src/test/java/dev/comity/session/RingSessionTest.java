package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.SumAccumulator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Sessions on a ring: twelve sites of which one may collude, eight neighbours each, six shares
/// give a secret back.
class RingSessionTest {
  private static final GraphRule RULE = new GraphRule(7, 120, 20, 200);
  private static final List<SignedView.Kind> PHASES =
      List.of(
          SignedView.Kind.DESCRIPTOR,
          SignedView.Kind.KEYS,
          SignedView.Kind.SHARES,
          SignedView.Kind.HEADERS,
          SignedView.Kind.RELEASE,
          SignedView.Kind.CERTIFICATE);

  private final Federation federation = new Federation(12, 1, RULE);
  private final SiteId site = federation.sites.getFirst();

  private static void assertRefusal(Runnable step, SessionRefusal.Reason reason) {
    assertThatThrownBy(step::run)
        .isInstanceOfSatisfying(
            SessionRefusal.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }

  private KeyList keys() {
    return ((SharingKeys) federation.server).keys();
  }

  private Dealing dealing() {
    return ((Collecting) federation.server).dealing();
  }

  private byte[] view(SignedView.Kind kind, CborWriter content) {
    return SignedView.of(kind, federation.server.descriptor().id(), content, federation.aggregator)
        .encode();
  }

  private List<SiteId> neighbours(KeyList keys, SiteId of) {
    return Arrays.stream(keys.receivers(of)).mapToObj(keys.roster()::site).toList();
  }

  @Test
  void withoutDropOutsTheMaskedSumIsThePlainSum() {
    assertThat(federation.server.descriptor().graph())
        .isEqualTo(new SessionDescriptor.Graph.Regular(8, 6, RULE));

    federation.run((_, _) -> true);

    assertSummed(federation);
    assertThat(federation.server.survivors()).isEqualTo(federation.sites);
  }

  @Test
  void theDescriptorAndTheCertificateRoundTrip() {
    SessionDescriptor descriptor = federation.server.descriptor();
    federation.runUntil(ServerSession.State.RELEASING);
    Certificate certificate = federation.server.certificate().orElseThrow();

    assertThat(SessionDescriptor.decode(descriptor.encode())).isEqualTo(descriptor);
    assertThat(Certificate.decode(certificate.encode())).isEqualTo(certificate);
  }

  @Test
  void theStoredEventsFoldToTheSameStateAndTheSameBytes() {
    for (ServerSession.State state :
        List.of(
            ServerSession.State.SHARING_KEYS,
            ServerSession.State.COLLECTING,
            ServerSession.State.VOTING,
            ServerSession.State.RELEASING,
            ServerSession.State.UNMASKING)) {
      Federation each = new Federation(12, 1, RULE);
      each.runUntil(state);

      ServerSession folded =
          ServerSession.fold(each.server.descriptor(), each.membership, each.events);

      assertThat(folded.state()).isEqualTo(state);
      assertThat(folded.owed()).isEqualTo(each.server.owed());
      for (ServerSession.Owed owed : each.server.owed()) {
        assertThat(folded.viewFor(owed.site(), each.aggregator))
            .isEqualTo(each.server.viewFor(owed.site(), each.aggregator));
      }
    }
  }

  @Tag("exhaustive")
  @Test
  void whoeverGoesAwayWheneverTheEndIsThePlainSumOrAProofOfAbort() {
    Map<ServerSession.State, Integer> ends = new EnumMap<>(ServerSession.State.class);

    patterns()
        .parallel()
        .forEach(goneAt -> {
          ServerSession.State end = endOf(goneAt);
          synchronized (ends) {
            ends.merge(end, 1, Integer::sum);
          }
        });

    assertThat(ends.keySet())
        .containsExactlyInAnyOrder(ServerSession.State.DONE, ServerSession.State.ABORTED);
  }

  /// One site, two or six, gone before any phase each.
  private static Stream<Map<Integer, SignedView.Kind>> patterns() {
    List<Map<Integer, SignedView.Kind>> patterns = new ArrayList<>();
    for (SignedView.Kind first : PHASES) {
      patterns.add(Map.of(2, first));
      patterns.add(Map.of(0, first, 2, first, 3, first, 5, first, 7, first, 11, first));
      for (SignedView.Kind second : PHASES) {
        patterns.add(Map.of(0, first, 7, second));
      }
    }
    return patterns.stream();
  }

  private static ServerSession.State endOf(Map<Integer, SignedView.Kind> goneAt) {
    Federation federation = new Federation(12, 1, RULE);
    Map<SiteId, SignedView.Kind> gone = new HashMap<>();
    goneAt.forEach((index, kind) -> gone.put(federation.sites.get(index), kind));
    Map<SiteId, Set<String>> revealed = new HashMap<>();
    federation.onTheWire =
        message -> {
          if (message.phase() == SignedMessage.Phase.UNMASK) {
            UnmaskAnswer answer = UnmaskAnswer.of(message);
            note(revealed, answer.seedShares(), "seed");
            note(revealed, answer.keyShares(), "key");
          }
          return message;
        };

    federation.run((site, kind) -> {
      SignedView.Kind from = gone.get(site);
      return from == null || kind.compareTo(from) < 0;
    });
    federation.run((site, _) -> federation.sessions.containsKey(site)); // the power is back

    switch (federation.server.state()) {
      case DONE -> assertSummed(federation);
      case ABORTED -> assertThat(revealed).isEmpty();
      case ADVERTISING_KEYS, SHARING_KEYS, COLLECTING, VOTING, RELEASING, UNMASKING, ABORTING ->
          throw new AssertionError(goneAt + " ended in " + federation.server.state());
    }
    assertThat(revealed.values()).as("%s", goneAt).allMatch(kinds -> kinds.size() == 1);
    return federation.server.state();
  }

  private static void note(
      Map<SiteId, Set<String>> revealed, SortedMap<SiteId, Bytes> shares, String kind) {
    shares
        .keySet()
        .forEach(dealer -> revealed.computeIfAbsent(dealer, _ -> new HashSet<>()).add(kind));
  }

  private static void assertSummed(Federation federation) {
    assertThat(federation.server.verdict().orElseThrow())
        .isEqualTo(new ServerSession.Verdict.Summed(federation.server.survivors()));
    assertThat(federation.maskedSum().encode())
        .isEqualTo(federation.plainSum(federation.server.survivors()).encode());
    byte[] certificate = federation.server.certificate().orElseThrow().encode();
    for (SiteId site : federation.spool.keySet()) {
      Standing.settle(
          federation.vault(site),
          federation.book(site),
          federation.session(site).id(),
          certificate);
      assertThat(federation.standing(site))
          .isEqualTo(federation.server.survivors().contains(site) ? Standing.SPENT : Standing.FREE);
    }
  }

  /// Every set of survivors on a ring of ten, of which nobody sees more than its neighbours.
  @Tag("exhaustive")
  @ParameterizedTest
  @ValueSource(ints = {8, 10})
  void theMasksCancelForEverySetOfSurvivors(int n) {
    Federation ten = new Federation(n, 1, RULE);
    Roster roster = Roster.of(ten.server.descriptor(), ten.membership);
    Map<SiteId, Secrets> secrets = new HashMap<>();
    Map<SiteId, byte[]> seeds = new HashMap<>();
    List<SignedMessage> advertisements = new ArrayList<>();
    Random random = new Random(n);
    for (SiteId each : ten.sites) {
      byte[] seed = new byte[32];
      random.nextBytes(seed);
      seeds.put(each, seed);
      Secrets derived = new Secrets(roster.session(), seed);
      secrets.put(each, derived);
      advertisements.add(
          ten.signed(
              each,
              SignedMessage.Phase.ADVERTISE_KEYS,
              derived
                  .advertisement(roster.index(each), 1, PrivacyBook.EMPTY, ten.membership)
                  .encode()));
    }
    KeyList keys = KeyList.of(roster, advertisements);
    Map<SiteId, MaskedUpdate> masked = new HashMap<>();
    secrets.forEach((each, derived) ->
        masked.put(
            each,
            Objects.requireNonNull(ten.updates.get(each))
                .mask(derived.masks(keys, keys.places(), each))));

    assertThat(keys.receivers(ten.sites.getFirst())).hasSizeLessThan(n - 1);
    for (int chosen = 1; chosen < 1 << n; chosen++) {
      Map<SiteId, byte[]> selfMasks = new HashMap<>();
      Map<SiteId, byte[]> maskSecrets = new HashMap<>();
      SumAccumulator sum = new SumAccumulator(ten.plan.terms().vector(), 1);
      for (int i = 0; i < n; i++) {
        SiteId each = ten.sites.get(i);
        byte[] seed = Objects.requireNonNull(seeds.get(each));
        if ((chosen >> i & 1) == 1) {
          sum.add(Objects.requireNonNull(masked.get(each)));
          selfMasks.put(each, derived(roster, seed, Labels.SELF_MASK));
        } else {
          maskSecrets.put(each, derived(roster, seed, Labels.MASK_SECRET));
        }
      }
      sum.remove(new Revealed(selfMasks, maskSecrets).masks(keys));

      assertThat(sum.decode(selfMasks.size()).encode())
          .as("survivors " + Integer.toBinaryString(chosen))
          .isEqualTo(ten.plainSum(selfMasks.keySet()).encode());
    }
  }

  private static byte[] derived(Roster roster, byte[] seed, String label) {
    return Derivation.key(
        seed, roster.session(), new Transcribed().label(label).digest(roster.session()));
  }

  @Test
  void aSiteIsShownItsNeighboursAlone() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    CborWriter content = keys().shownTo(site);

    Board.Excerpt shown =
        SignedView.decode(view(SignedView.Kind.KEYS, content))
            .read(
                SignedView.Kind.KEYS,
                keys().roster().session(),
                federation.aggregator.publicKey(),
                in ->
                    Board.Excerpt.read(
                        in,
                        keys().roster(),
                        SignedMessage.Phase.ADVERTISE_KEYS,
                        Advertisement.mostBytes(Suite.Agreement.X25519)));

    Set<SiteId> concerned = new HashSet<>(neighbours(keys(), site));
    concerned.add(site);
    assertThat(shown.messages().keySet()).isEqualTo(concerned).hasSize(9);
    assertThat(shown.places().size()).isEqualTo(12);
  }

  @Test
  void anyOtherMessageOfP1GivesAnotherOrder() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    KeyList keys = keys();
    List<List<SiteId>> orders = new ArrayList<>();
    orders.add(neighbours(keys, site));

    for (SiteId each : federation.sites) {
      List<SignedMessage> changed = new ArrayList<>();
      keys.messages()
          .forEach((sender, message) -> {
            Advertisement sent = keys.of(sender);
            changed.add(
                sender.equals(each)
                    ? federation.signed(
                        sender,
                        SignedMessage.Phase.ADVERTISE_KEYS,
                        new Advertisement(
                                sent.maskKey(),
                                sent.channelKey(),
                                sent.seedCommitment(),
                                Bytes.of(new byte[32]), // other graph randomness
                                sent.counter(),
                                sent.ledgerHead(),
                                sent.membershipVersion(),
                                sent.membership())
                            .encode())
                    : message);
          });
      KeyList other = KeyList.of(keys.roster(), changed);
      assertThat(other.h1()).isNotEqualTo(keys.h1());
      orders.add(neighbours(other, site));
    }
    assertThat(new HashSet<>(orders)).hasSameSizeAs(orders);
  }

  @Test
  void anotherGraphThanTheSitesOwnRuleGivesIsRefused() {
    GraphRule weak = new GraphRule(7, 5, 20, 200);
    Federation weaker = new Federation(12, 1, weak);
    SiteSession.Site strict = new Federation(12, 1, RULE).site(weaker.sites.getFirst());
    SiteSession.Site own = weaker.site(weaker.sites.getFirst());
    SiteSession.Site mixed =
        new SiteSession.Site(
            own.id(),
            own.key(),
            own.federationEpoch(),
            own.membership(),
            own.vault(),
            own.book(),
            own.nCFloor(),
            own.minHonestFloor(),
            strict.graphRule(),
            own.clock(),
            own.random());

    assertRefusal(
        () ->
            SiteSession.open(
                mixed,
                weaker.plan,
                Objects.requireNonNull(weaker.updates.get(own.id())),
                weaker.view(own.id())),
        SessionRefusal.Reason.MISMATCH);
  }

  @Test
  void aNeighbourLeftOutOrAStrangerShownIsRefused() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    KeyList keys = keys();
    Board board = keys.onRing().orElseThrow().board();
    List<SiteId> neighbours = neighbours(keys, site);
    SiteId stranger =
        federation.sites.stream()
            .filter(each -> !each.equals(site) && !neighbours.contains(each))
            .findFirst()
            .orElseThrow();
    Set<SiteId> fewer = new HashSet<>(neighbours.subList(1, 8));
    fewer.add(site);
    Set<SiteId> swapped = new HashSet<>(fewer);
    swapped.add(stranger);

    for (Set<SiteId> shown : List.of(fewer, swapped)) {
      byte[] view = view(SignedView.Kind.KEYS, board.toCbor(PlaceSet.of(keys.roster(), shown)));
      assertRefusal(
          () -> federation.session(site).share(view), SessionRefusal.Reason.INCONSISTENT_VIEW);
    }
    assertThat(federation.answer(site, SignedView.Kind.KEYS).phase())
        .isEqualTo(SignedMessage.Phase.SHARE_KEYS);
  }

  /// In P3 and P4 as well a site is shown all of its neighbours, with their signatures.
  @Test
  void aNeighbourLeftOutOrForgedInSharesOrHeadersIsNoticed() {
    federation.runUntil(ServerSession.State.COLLECTING);
    Dealing dealing = dealing();
    SiteId neighbour = neighbours(dealing.keys(), site).getFirst();
    Set<SiteId> fewer = new HashSet<>(neighbours(dealing.keys(), site));
    fewer.add(site);
    PlaceSet all = PlaceSet.of(dealing.roster(), fewer);
    fewer.remove(neighbour);
    PlaceSet partial = PlaceSet.of(dealing.roster(), fewer);
    Board shares = dealing.shares().board().orElseThrow();
    Board forgedShares = forged(dealing.roster(), dealing.shares().messages(), neighbour);

    assertRefusal(
        () -> federation.session(site).mask(sharesView(dealing, shares.toCbor(partial), fewer)),
        SessionRefusal.Reason.INCONSISTENT_VIEW);
    fewer.add(neighbour);
    assertRefusal(
        () -> federation.session(site).mask(sharesView(dealing, forgedShares.toCbor(all), fewer)),
        SessionRefusal.Reason.BAD_SIGNATURE);

    HeaderList headers = HeaderList.of(dealing.shares(), headers());
    Board posted = headers.board().orElseThrow();
    SiteSession ofNeighbour = federation.session(neighbour);
    assertThat(
            ballot(
                federation
                    .session(site)
                    .vote(view(SignedView.Kind.HEADERS, posted.toCbor(partial)))))
        .isEqualTo(Ballot.ABORT);
    Board forgedHeaders = forged(dealing.roster(), headers.messages(), site);
    assertThat(
            ballot(
                ofNeighbour.vote(
                    view(
                        SignedView.Kind.HEADERS,
                        forgedHeaders.toCbor(dealing.keys().neighbourhood(neighbour))))))
        .isEqualTo(Ballot.ABORT);
  }

  private byte[] sharesView(Dealing dealing, CborWriter messages, Set<SiteId> shown) {
    return view(
        SignedView.Kind.SHARES,
        messages.maps(
            "deliveries",
            shown.stream().filter(each -> !each.equals(site)).sorted().toList(),
            each ->
                ReceivedShares.toCbor(
                    each,
                    dealing.delivery(each, site),
                    Objects.requireNonNull(dealing.deliveries().get(each))
                        .path(dealing.keys(), each, site))));
  }

  /// As the messages, with one signed by another key.
  private Board forged(Roster roster, SortedMap<SiteId, SignedMessage> messages, SiteId of) {
    SortedMap<SiteId, SignedMessage> changed = new TreeMap<>(messages);
    SignedMessage honest = Objects.requireNonNull(changed.get(of));
    SiteId another = federation.sites.get(of.equals(federation.sites.get(7)) ? 8 : 7);
    changed.put(
        of,
        new SignedMessage(
            honest.session(),
            of,
            honest.phase(),
            honest.body(),
            Objects.requireNonNull(messages.get(another)).signature()));
    return Board.of(roster, changed);
  }

  /// A bit of the bitmap without a valid message behind it: whoever has that place as a neighbour
  /// refuses, and the others count it as a site that drops out.
  @Test
  void aSiteThatTheAggregatorInventsIsRefusedByItsNeighbours() {
    SiteId absent = federation.sites.get(5);
    List<SignedMessage> advertised = new ArrayList<>();
    for (SiteId each : federation.sites) {
      SignedMessage message =
          each.equals(absent)
              ? federation.signed(
                  each, SignedMessage.Phase.ADVERTISE_KEYS, Digest.of(new byte[] {9}), body(each))
              : federation.answer(each, SignedView.Kind.DESCRIPTOR);
      advertised.add(message);
    }
    KeyList invented =
        KeyList.of(Roster.of(federation.server.descriptor(), federation.membership), advertised);
    List<SiteId> neighbours = neighbours(invented, absent);

    for (SiteId each : federation.sites) {
      byte[] shown = view(SignedView.Kind.KEYS, invented.shownTo(each));
      if (neighbours.contains(each)) {
        assertRefusal(
            () -> federation.session(each).share(shown), SessionRefusal.Reason.BAD_SIGNATURE);
      } else if (!each.equals(absent)) {
        assertThat(federation.session(each).share(shown).phase())
            .isEqualTo(SignedMessage.Phase.SHARE_KEYS);
      }
    }
  }

  private byte[] body(SiteId each) {
    byte[] seed = new byte[32];
    return new Secrets(federation.server.descriptor().id(), seed)
        .advertisement(federation.sites.indexOf(each), 1, PrivacyBook.EMPTY, federation.membership)
        .encode();
  }

  @Test
  void aSecondDifferentSetOfKeysIsRefusedAndTheSharesStayTheSame() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    KeyList keys = keys();
    SignedMessage shares = federation.answer(site, SignedView.Kind.KEYS);
    KeyList without =
        KeyList.of(
            keys.roster(),
            keys.messages().values().stream()
                .filter(message -> !message.sender().equals(federation.sites.get(11)))
                .toList());

    assertRefusal(
        () -> federation.session(site).share(view(SignedView.Kind.KEYS, without.shownTo(site))),
        SessionRefusal.Reason.INCONSISTENT_VIEW);
    assertThat(federation.answer(site, SignedView.Kind.KEYS)).isEqualTo(shares);
  }

  private Dealing without(Dealing dealing, List<SiteId> leftOut) {
    SortedMap<SiteId, SignedMessage> messages = new TreeMap<>(dealing.shares().messages());
    SortedMap<SiteId, ShareDeliveries> deliveries = new TreeMap<>(dealing.deliveries());
    leftOut.forEach(messages::remove);
    leftOut.forEach(deliveries::remove);
    return new Dealing(ShareList.of(dealing.keys(), messages.values()), deliveries);
  }

  @Test
  void dealersOfWhomOneKeepsTooFewNeighboursAreRefusedBeforeAnyVectorExists() {
    federation.runUntil(ServerSession.State.COLLECTING);
    List<SiteId> neighbours = neighbours(dealing().keys(), site);
    Dealing thin = without(dealing(), neighbours.subList(0, 3)); // 5 of 8 remain

    assertRefusal(
        () -> federation.session(site).mask(view(SignedView.Kind.SHARES, thin.sharesFor(site))),
        SessionRefusal.Reason.INCONSISTENT_VIEW);
    assertThat(federation.vault(site).hasInput(federation.session(site).id())).isFalse();
  }

  private List<SignedMessage> headers() {
    return federation.sites.stream()
        .map(each -> federation.answer(each, SignedView.Kind.SHARES))
        .toList();
  }

  private static Ballot ballot(SignedMessage vote) {
    return Ballot.decode(vote.body().toByteArray());
  }

  /// The ring is cut around one site: each of its neighbours on one side is left out.
  @Test
  void survivorsOfWhomOneKeepsTooFewNeighboursMakeEveryVoterAbort() {
    federation.runUntil(ServerSession.State.COLLECTING);
    Dealing dealing = dealing();
    List<SiteId> cut = neighbours(dealing.keys(), site).subList(0, 4);
    List<SignedMessage> remaining =
        headers().stream().filter(header -> !cut.contains(header.sender())).toList();
    HeaderList headers = HeaderList.of(dealing.shares(), remaining);

    assertThat(remaining).hasSizeGreaterThanOrEqualTo(7); // m
    for (SiteId voter : federation.sites) {
      SignedMessage vote =
          federation
              .session(voter)
              .vote(view(SignedView.Kind.HEADERS, dealing.headersFor(voter, headers)));
      assertThat(ballot(vote)).isEqualTo(Ballot.ABORT);
    }
  }

  /// The victim is shown another U2 than the others: its neighbours see it by its header, whoever
  /// has nothing to do with it votes, and no honest neighbour ever releases or answers.
  @Test
  void aHeaderWithAnotherH2MakesItsNeighboursAbortAndNeverAnswer() {
    federation.runUntil(ServerSession.State.COLLECTING);
    Dealing dealing = dealing();
    List<SiteId> neighbours = neighbours(dealing.keys(), site);
    Dealing split = without(dealing, neighbours.subList(7, 8));
    SortedMap<SiteId, SignedMessage> headers = new TreeMap<>();
    headers.put(
        site,
        federation
            .session(site)
            .mask(view(SignedView.Kind.SHARES, split.sharesFor(site)))
            .header());
    for (SiteId other : federation.sites.subList(1, 12)) {
      headers.put(other, federation.answer(other, SignedView.Kind.SHARES));
    }
    Board board = Board.of(dealing.roster(), headers);

    for (SiteId voter : federation.sites.subList(1, 12)) {
      byte[] shown =
          view(SignedView.Kind.HEADERS, board.toCbor(dealing.keys().neighbourhood(voter)));
      assertThat(ballot(federation.session(voter).vote(shown)))
          .isEqualTo(neighbours.contains(voter) ? Ballot.ABORT : Ballot.COMMIT);
    }
  }

  @Test
  void nobodyAnswersBeforeTHaveReleased() {
    federation.runUntil(ServerSession.State.RELEASING);
    Releasing releasing = (Releasing) federation.server;
    List<SignedMessage> releases = new ArrayList<>();
    for (SiteId each : federation.sites.subList(0, 7)) {
      releases.add(federation.answer(each, SignedView.Kind.RELEASE));
    }
    CborWriter bare =
        releasing
            .dealing()
            .headersFor(site, releasing.headers())
            .bytes("certificate", releasing.proof().commit().encode());
    assertRefusal(
        () -> federation.session(site).unmask(view(SignedView.Kind.CERTIFICATE, bare)),
        SessionRefusal.Reason.MALFORMED);

    List<SignedMessage> twice = new ArrayList<>(releases.subList(0, 6));
    twice.add(releases.getFirst());
    List<SignedMessage> forged = new ArrayList<>(releases.subList(0, 6));
    forged.add(
        new SignedMessage(
            releases.getFirst().session(),
            federation.sites.get(8),
            SignedMessage.Phase.RELEASE,
            releases.getFirst().body(),
            releases.getFirst().signature()));
    assertRefusal(() -> unmask(releases.subList(0, 6)), SessionRefusal.Reason.QUORUM);
    assertRefusal(() -> unmask(twice), SessionRefusal.Reason.QUORUM);
    assertRefusal(() -> unmask(forged), SessionRefusal.Reason.BAD_SIGNATURE);
    assertThat(unmask(releases).phase()).isEqualTo(SignedMessage.Phase.UNMASK);
  }

  @Test
  void theCertificateVerifiedForTheReleaseDoesNotVouchForAnother() {
    federation.runUntil(ServerSession.State.RELEASING);
    Certificate.Commit genuine = ((Releasing) federation.server).proof().commit();
    List<SignedMessage> releases = new ArrayList<>();
    for (SiteId each : federation.sites.subList(0, 7)) {
      releases.add(federation.answer(each, SignedView.Kind.RELEASE));
    }
    List<Certificate.Vote> votes = new ArrayList<>(genuine.votes());
    byte[] signature = votes.getLast().signature().toByteArray();
    signature[3] ^= 1;
    votes.set(votes.size() - 1, new Certificate.Vote(votes.getLast().site(), Bytes.of(signature)));
    Certificate.Commit forged =
        new Certificate.Commit(genuine.session(), genuine.h2(), genuine.inputs(), votes);

    assertRefusal(() -> unmask(releases, forged), SessionRefusal.Reason.BAD_SIGNATURE);
    assertThat(unmask(releases, genuine).phase()).isEqualTo(SignedMessage.Phase.UNMASK);
  }

  private SignedMessage unmask(List<SignedMessage> releases) {
    return unmask(releases, ((Releasing) federation.server).proof().commit());
  }

  private SignedMessage unmask(List<SignedMessage> releases, Certificate.Commit certificate) {
    Releasing releasing = (Releasing) federation.server;
    CborWriter content =
        releasing
            .dealing()
            .headersFor(site, releasing.headers())
            .bytes("certificate", certificate.encode())
            .maps("releases", Votes.of(releases), Votes::toCbor);
    return federation.session(site).unmask(view(SignedView.Kind.CERTIFICATE, content));
  }

  @Test
  void aReleaseCannotStandForAVoteNorAVoteForARelease() {
    federation.runUntil(ServerSession.State.RELEASING);
    Releasing releasing = (Releasing) federation.server;
    SignedMessage release = federation.answer(site, SignedView.Kind.RELEASE);

    assertThat(
            federation.send(
                federation.signed(
                    site,
                    SignedMessage.Phase.RELEASE,
                    releasing.headers().h3(),
                    Ballot.COMMIT.body())))
        .isInstanceOf(ServerSession.Transition.Refused.class);
    assertThat(
            federation.send(
                new SignedMessage(
                    release.session(),
                    site,
                    SignedMessage.Phase.RELEASE,
                    release.body(),
                    releasing.proof().commit().votes().getFirst().signature())))
        .isInstanceOf(ServerSession.Transition.Refused.class);
    assertThat(
            federation.send(
                federation.signed(
                    site, SignedMessage.Phase.UNMASK, releasing.headers().h3(), new byte[] {1})))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> assertThat(refused.reason()).contains("came early"));
    assertThat(federation.send(release)).isInstanceOf(ServerSession.Transition.Moved.class);
    assertThat(federation.send(release)).isInstanceOf(ServerSession.Transition.Ignored.class);
  }

  @Test
  void whoHasReleasedNeverAbortsAndWhoHasAbortedNeverReleases() {
    federation.runUntil(ServerSession.State.VOTING);
    byte[] proposal =
        view(SignedView.Kind.ABORT_PROPOSAL, CborWriter.map().text("reason", "a lie"));
    SiteId aborter = federation.sites.get(11);
    SignedMessage abort = federation.session(aborter).abort(proposal);
    federation.runUntil(ServerSession.State.RELEASING);
    byte[] certificate = federation.view(aborter);
    SignedMessage release = federation.answer(site, SignedView.Kind.RELEASE);

    assertRefusal(
        () -> federation.session(site).abort(proposal), SessionRefusal.Reason.OUT_OF_ORDER);
    assertRefusal(
        () -> federation.session(aborter).release(certificate), SessionRefusal.Reason.OUT_OF_ORDER);
    assertThat(federation.session(aborter).abort(proposal)).isEqualTo(abort);
    assertThat(federation.answer(site, SignedView.Kind.RELEASE)).isEqualTo(release);
    federation.runUntil(ServerSession.State.UNMASKING);
    byte[] released = federation.view(aborter);
    assertRefusal(
        () -> federation.session(aborter).unmask(released), SessionRefusal.Reason.OUT_OF_ORDER);
    assertRefusal(
        () -> federation.session(site).abort(proposal), SessionRefusal.Reason.OUT_OF_ORDER);
  }

  @Test
  void onceCertifiedNothingAbortsTheSession() {
    federation.runUntil(ServerSession.State.RELEASING);

    for (SessionEvent event :
        List.of(
            new SessionEvent.Cancelled("no longer wanted"),
            new SessionEvent.MemberRevoked(site),
            new SessionEvent.PhaseDeadlinePassed(SignedMessage.Phase.RELEASE))) {
      assertThat(federation.send(event)).isInstanceOf(ServerSession.Transition.Ignored.class);
    }
  }

  @Test
  void onTheCompleteGraphThereIsNothingToRelease() {
    Federation complete = new Federation(5, 1);
    complete.runUntil(ServerSession.State.UNMASKING);
    SiteId first = complete.sites.getFirst();

    assertRefusal(
        () -> complete.session(first).release(complete.view(first)),
        SessionRefusal.Reason.OUT_OF_ORDER);
  }

  @Test
  void aCertificateOfOtherSurvivorsIsRefused() {
    federation.runUntil(ServerSession.State.RELEASING);
    Releasing releasing = (Releasing) federation.server;
    Certificate.Commit commit = releasing.proof().commit();
    Certificate.Commit other =
        new Certificate.Commit(
            commit.session(),
            commit.h2(),
            new Certificate.Posted(
                PlaceSet.of(12, IntStream.range(1, 12)).encode(), Digest.of(new byte[] {1})),
            commit.votes());

    assertRefusal(
        () ->
            federation
                .session(site)
                .release(
                    view(
                        SignedView.Kind.RELEASE,
                        releasing
                            .dealing()
                            .headersFor(site, releasing.headers())
                            .bytes("certificate", other.encode()))),
        SessionRefusal.Reason.BAD_SIGNATURE);
    assertRefusal(
        () ->
            Standing.settle(
                federation.vault(site),
                federation.book(site),
                federation.session(site).id(),
                new Certificate.Commit(
                        commit.session(),
                        commit.h2(),
                        new Certificate.Posted(Bytes.of(new byte[7]), Digest.of(new byte[] {1})),
                        commit.votes())
                    .encode()),
        SessionRefusal.Reason.MALFORMED);
  }

  @Test
  void whereTooFewSitesAdvertiseForAnyRingTheSessionEndsWithoutVotes() {
    Federation strict = new Federation(12, 3, new GraphRule(7, 120, 20, 90));
    int most = 8; // T and m
    federationAdvertising(strict, most);

    assertThat(strict.server.verdict().orElseThrow())
        .isInstanceOfSatisfying(
            ServerSession.Verdict.Aborted.class,
            aborted -> assertThat(aborted.reason()).contains("no ring over so few"));
    assertThat(strict.server.certificate()).isEmpty();
  }

  private static void federationAdvertising(Federation federation, int sites) {
    for (SiteId each : federation.sites.subList(0, sites)) {
      federation.deliver(each, SignedView.Kind.DESCRIPTOR);
    }
    federation.sendMoved(new SessionEvent.PhaseDeadlinePassed(SignedMessage.Phase.ADVERTISE_KEYS));
  }

  @Test
  void aBadResponderIsNamedAndGivesNothingThatItsNeighboursDidNotDeal() {
    federation.runUntil(ServerSession.State.UNMASKING);
    Unmasking unmasking = (Unmasking) federation.server;
    SignedMessage honest = federation.answer(site, SignedView.Kind.CERTIFICATE);
    UnmaskAnswer answer = UnmaskAnswer.of(honest);
    List<SiteId> neighbours = neighbours(unmasking.dealing().keys(), site);
    SiteId stranger =
        federation.sites.stream()
            .filter(each -> !each.equals(site) && !neighbours.contains(each))
            .findFirst()
            .orElseThrow();
    SortedMap<SiteId, Bytes> more = answer.seedShares();
    more.put(stranger, Objects.requireNonNull(more.get(neighbours.getFirst())));

    assertThat(answer.seedShares().keySet()).isEqualTo(new HashSet<>(neighbours));
    assertThat(
            federation.send(
                federation.signed(
                    site,
                    SignedMessage.Phase.UNMASK,
                    unmasking.headers().h3(),
                    new UnmaskAnswer(more, answer.keyShares()).encode())))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> assertThat(refused.reason()).contains(stranger.value()));
    assertThat(federation.send(honest)).isInstanceOf(ServerSession.Transition.Moved.class);
  }

  @Test
  void aSiteThatRestartsAfterEveryStepSendsTheSameBytesAndTheSumIsExact() {
    Map<SiteId, List<SignedMessage>> first = new HashMap<>();
    federation.onTheWire =
        message -> {
          first.computeIfAbsent(message.sender(), _ -> new ArrayList<>()).add(message);
          return message;
        };
    boolean moving = true;
    while (moving) {
      moving = false;
      for (ServerSession.Owed owed : federation.server.owed()) {
        if (federation.server.owed().contains(owed)) {
          if (federation.sessions.containsKey(owed.site())) {
            federation.sessions.put(
                owed.site(),
                SiteSession.reopen(
                    federation.site(owed.site()),
                    federation.server.descriptor().id(),
                    _ -> Optional.ofNullable(federation.updates.get(owed.site()))));
          }
          federation.deliver(owed.site(), owed.view());
          moving = true;
        }
      }
    }

    assertSummed(federation);
    assertThat(first.get(site))
        .extracting(SignedMessage::phase)
        .containsSubsequence(
            SignedMessage.Phase.ADVERTISE_KEYS,
            SignedMessage.Phase.SHARE_KEYS,
            SignedMessage.Phase.MASKED_INPUT);
  }
}
