package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.Noise;
import dev.comity.plan.Quorum;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.RejectedSum;
import dev.comity.update.SumAccumulator;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Attacks on a session, carried out against its real code by an aggregator that lies, by sites
/// that collude with it and by thieves of state. `docs/attacks.md` lists all attacks, the defence
/// against each and its tests, most of which are elsewhere.
class AttackTest {
  private final Federation federation = new Federation(5, 1);
  private final List<SiteId> sites = federation.sites;
  private final SiteId site = sites.getFirst();

  private static void assertRefusal(SessionRefusal.Reason reason, Runnable step) {
    assertThatThrownBy(step::run)
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).as(refusal.getMessage()).isEqualTo(reason));
  }

  private void assertRefused(SessionRefusal.Reason reason, SignedMessage message) {
    assertThat(federation.send(message))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> assertThat(refused.code()).as(refused.reason()).isEqualTo(reason));
  }

  /// `descriptor` with other values of some components, through the canonical constructor.
  private static SessionDescriptor with(SessionDescriptor descriptor, Map<String, ?> others) {
    RecordComponent[] components = SessionDescriptor.class.getRecordComponents();
    Object[] values = new Object[components.length];
    try {
      for (int i = 0; i < components.length; i++) {
        Object other = others.get(components[i].getName());
        values[i] = other != null ? other : components[i].getAccessor().invoke(descriptor);
      }
      Constructor<SessionDescriptor> canonical =
          SessionDescriptor.class.getDeclaredConstructor(
              Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
      return canonical.newInstance(values);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof IllegalArgumentException refused) {
        throw refused;
      }
      throw new AssertionError(e);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private byte[] view(SessionDescriptor descriptor) {
    return SignedView.descriptor(descriptor, federation.aggregator).encode();
  }

  private SiteSession open(SiteId as, RoundPlan plan, byte[] descriptor) {
    return SiteSession.open(
        federation.site(as), plan, Objects.requireNonNull(federation.updates.get(as)), descriptor);
  }

  private byte[] view(SignedView.Kind kind, CborWriter content) {
    return SignedView.of(kind, federation.server.descriptor().id(), content, federation.aggregator)
        .encode();
  }

  private static SignedMessage relabelled(SignedMessage message, Digest session) {
    return new SignedMessage(
        session, message.sender(), message.phase(), message.body(), message.signature());
  }

  @Nested
  class ModelOrPlanInconsistency {
    private final RoundPlan otherPlan = Federation.plan(sites, 1, Digest.of(new byte[] {99}));
    private final SessionDescriptor descriptor = federation.server.descriptor();
    private final SessionDescriptor other =
        with(descriptor, Map.of("plan", otherPlan.digest(), "terms", otherPlan.terms().digest()));

    @Test
    void a_site_refuses_a_session_over_another_model_than_that_of_its_plan() {
      assertRefusal(SessionRefusal.Reason.MISMATCH, () -> open(site, federation.plan, view(other)));
      assertRefusal(SessionRefusal.Reason.MISMATCH, () -> open(site, otherPlan, view(descriptor)));
      assertThat(federation.vault(site).locks()).isEmpty();
    }

    /// Two honest sites train one model, two another; the fifth colludes and takes part in both.
    @Test
    void sites_that_were_shown_two_models_reach_no_certificate_of_either() {
      assertThat(other.id()).isNotEqualTo(descriptor.id());
      List<SignedMessage> ours = new ArrayList<>();
      for (SiteId each : List.of(sites.get(0), sites.get(1), sites.get(4))) {
        ours.add(federation.answer(each, SignedView.Kind.DESCRIPTOR));
      }
      List<SignedMessage> theirs = new ArrayList<>();
      for (SiteId each : sites.subList(2, 4)) {
        theirs.add(open(each, otherPlan, view(other)).advertise());
      }
      ours.forEach(federation::send);

      theirs.forEach(message -> assertRefused(SessionRefusal.Reason.MISMATCH, message));
      theirs.forEach(message ->
          assertRefused(SessionRefusal.Reason.BAD_SIGNATURE, relabelled(message, descriptor.id())));
      assertRefusal(
          SessionRefusal.Reason.QUORUM,
          () ->
              federation
                  .session(site)
                  .share(view(SignedView.Kind.KEYS, KeyList.messagesToCbor(ours))));
      ours.addAll(theirs);
      assertRefusal(
          SessionRefusal.Reason.BAD_SIGNATURE,
          () ->
              federation
                  .session(site)
                  .share(view(SignedView.Kind.KEYS, KeyList.messagesToCbor(ours))));
    }

    /// Even with the same seeds, and all sites in either list of keys.
    @Test
    void masks_of_two_models_do_not_cancel_and_the_sum_is_rejected() {
      Map<SiteId, byte[]> seeds = new TreeMap<>();
      for (SiteId each : sites) {
        byte[] seed = new byte[32];
        seed[0] = (byte) (1 + sites.indexOf(each));
        seeds.put(each, seed);
      }

      assertThatCode(() -> sum(seeds, descriptor, descriptor)).doesNotThrowAnyException();
      assertThatThrownBy(() -> sum(seeds, descriptor, other)).isInstanceOf(RejectedSum.class);
    }

    private void sum(
        Map<SiteId, byte[]> seeds, SessionDescriptor ofThree, SessionDescriptor ofTwo) {
      SumAccumulator sum = new SumAccumulator(federation.plan.terms().vector(), 1);
      seeds.forEach((each, seed) -> {
        SessionDescriptor shown = sites.indexOf(each) < 3 ? ofThree : ofTwo;
        KeyList keys = keys(seeds, shown);
        Secrets secrets = new Secrets(shown.id(), seed);
        MaskedUpdate masked =
            Objects.requireNonNull(federation.updates.get(each))
                .mask(secrets.masks(keys, keys.places(), each));
        sum.add(masked);
        sum.remove(List.of(secrets.masks(keys, PlaceSet.of(5, IntStream.empty()), each).get(0)));
      });
      sum.decode(sites.size());
    }

    private KeyList keys(Map<SiteId, byte[]> seeds, SessionDescriptor of) {
      Roster roster = Roster.of(of, federation.membership);
      List<SignedMessage> messages = new ArrayList<>();
      seeds.forEach((each, seed) ->
          messages.add(
              SignedMessage.sign(
                  of.id(),
                  each,
                  SignedMessage.Phase.ADVERTISE_KEYS,
                  of.id(),
                  new Secrets(of.id(), seed)
                      .advertisement(
                          roster.index(each), 1, PrivacyBook.EMPTY, federation.membership)
                      .encode(),
                  federation.key(each))));
      return KeyList.of(roster, messages);
    }
  }

  /// What an aggregator gets from honest sites when it shows each what it likes, in any order, and
  /// one site colludes with it: that one votes for everything and gives all its shares.
  @Nested
  class SurvivorSetSplit {
    private static final int TRIALS = 60;
    private static final int STEPS = 40;

    private final Map<Digest, Set<SiteId>> commits = new HashMap<>();
    private final Map<Digest, Map<SiteId, Certificate.Vote>> votes = new HashMap<>();
    private final Map<SiteId, Set<SiteId>> seedShares = new TreeMap<>();
    private final Map<SiteId, Set<SiteId>> keyShares = new TreeMap<>();
    private int certified;
    private int answered;
    private int abortsAfterCommit;

    @Tag("exhaustive")
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void no_schedule_gives_both_shares_of_one_site_or_two_results(long seed) {
      Random random = new Random(seed);
      Federation masked = new Federation(5, 1);
      masked.runUntil(ServerSession.State.COLLECTING);
      Dealing dealing = ((Collecting) masked.server).dealing();
      List<SignedMessage> headers = new ArrayList<>();
      masked.sites.forEach(each -> headers.add(masked.answer(each, SignedView.Kind.SHARES)));
      Map<SiteId, MemoryVault> before = new HashMap<>();
      masked.sites.forEach(each -> before.put(each, ((MemoryVault) masked.vault(each)).backup()));

      for (int trial = 0; trial < TRIALS; trial++) {
        before.forEach((each, vault) -> {
          masked.vaults.put(each, vault.backup());
          masked.restart(each);
        });
        commits.clear();
        votes.clear();
        seedShares.clear();
        keyShares.clear();
        List<SignedMessage> fewer = new ArrayList<>(headers);
        fewer.remove(random.nextInt(fewer.size()));
        for (int step = 0; step < STEPS; step++) {
          lie(masked, dealing, List.of(headers, fewer), random);
        }
        assertHolds(masked, "seed %d, trial %d".formatted(seed, trial));
      }

      assertThat(certified).isPositive();
      assertThat(answered).isPositive();
      assertThat(abortsAfterCommit).isPositive();
    }

    private void lie(
        Federation masked, Dealing dealing, List<List<SignedMessage>> survivorSets, Random random) {
      SiteId honest = masked.sites.get(random.nextInt(4));
      SiteSession session = masked.session(honest);
      if (random.nextInt(8) == 0) {
        masked.restart(honest);
      }
      HeaderList shown =
          HeaderList.of(dealing.shares(), survivorSets.get(random.nextInt(survivorSets.size())));
      try {
        switch (random.nextInt(12)) {
          case 0 -> {
            SignedMessage abort =
                session.abort(
                    view(
                        dealing,
                        SignedView.Kind.ABORT_PROPOSAL,
                        CborWriter.map().text("reason", "a lie"),
                        masked));
            assertThat(Ballot.decode(abort.body().toByteArray())).isEqualTo(Ballot.ABORT);
          }
          case 1, 2, 3, 4, 5 ->
              count(
                  masked,
                  shown,
                  session.vote(view(dealing, SignedView.Kind.HEADERS, shown.toCbor(), masked)));
          default -> unmask(masked, dealing, shown, honest);
        }
      } catch (SessionRefusal refusal) {
        assertThat(refusal.reason())
            .isIn(
                SessionRefusal.Reason.OUT_OF_ORDER,
                SessionRefusal.Reason.QUORUM,
                SessionRefusal.Reason.INCONSISTENT_VIEW,
                SessionRefusal.Reason.BAD_SIGNATURE);
      }
    }

    private byte[] view(
        Dealing dealing, SignedView.Kind kind, CborWriter content, Federation masked) {
      return dealing.view(kind, content, masked.aggregator).encode();
    }

    private void count(Federation masked, HeaderList shown, SignedMessage vote) {
      if (Ballot.decode(vote.body().toByteArray()) == Ballot.ABORT) {
        abortsAfterCommit +=
            commits.values().stream().anyMatch(each -> each.contains(vote.sender())) ? 1 : 0;
        return;
      }
      assertThat(vote.verifies(masked.key(vote.sender()).publicKey(), shown.h3())).isTrue();
      commits.computeIfAbsent(shown.h3(), _ -> new HashSet<>()).add(vote.sender());
      votes
          .computeIfAbsent(shown.h3(), _ -> new TreeMap<>())
          .put(vote.sender(), new Certificate.Vote(vote.sender(), vote.signature()));
    }

    /// Asks with whatever votes there are over these survivors, the colluding site's among them.
    private void unmask(Federation masked, Dealing dealing, HeaderList shown, SiteId honest) {
      Map<SiteId, Certificate.Vote> all = new TreeMap<>(votes.getOrDefault(shown.h3(), Map.of()));
      SiteId colluding = masked.sites.get(4);
      SignedMessage bought =
          masked.signed(colluding, SignedMessage.Phase.VOTE, shown.h3(), Ballot.COMMIT.body());
      all.put(colluding, new Certificate.Vote(colluding, bought.signature()));
      var commit =
          new Certificate.Commit(
              dealing.roster().session(),
              dealing.shares().h2(),
              shown.inputs(),
              List.copyOf(all.values()));
      SignedMessage message =
          masked
              .session(honest)
              .unmask(
                  view(
                      dealing,
                      SignedView.Kind.CERTIFICATE,
                      shown.toCbor().bytes("certificate", commit.encode()),
                      masked));
      certified++;
      UnmaskAnswer answer = UnmaskAnswer.of(message);
      answer
          .seedShares()
          .keySet()
          .forEach(dealer -> seedShares.computeIfAbsent(dealer, _ -> new HashSet<>()).add(honest));
      answer
          .keyShares()
          .keySet()
          .forEach(dealer -> keyShares.computeIfAbsent(dealer, _ -> new HashSet<>()).add(honest));
      answered++;
    }

    private void assertHolds(Federation masked, String which) {
      int threshold = masked.server.descriptor().quorum().threshold();
      int colluding = 1;
      assertThat(
              commits.values().stream()
                  .filter(voters -> voters.size() + colluding >= threshold)
                  .count())
          .as(which)
          .isLessThanOrEqualTo(1);
      for (SiteId dealer : masked.sites) {
        Set<SiteId> seed = seedShares.getOrDefault(dealer, Set.of());
        Set<SiteId> key = keyShares.getOrDefault(dealer, Set.of());
        assertThat(seed.isEmpty() || key.isEmpty())
            .as("%s: shares of both secrets of %s by %s and %s", which, dealer, seed, key)
            .isTrue();
      }
    }
  }

  @Nested
  class SessionIdentityTricks {
    private final SessionDescriptor descriptor = federation.server.descriptor();

    static Stream<String> components() {
      return Arrays.stream(SessionDescriptor.class.getRecordComponents())
          .map(RecordComponent::getName);
    }

    /// Every component, so that a new one cannot be forgotten.
    @ParameterizedTest
    @MethodSource("components")
    void another_descriptor_is_another_session_in_whatever_it_differs(String component) {
      SessionDescriptor changed = changed(component);

      assertThat(changed).isNotEqualTo(descriptor);
      assertThat(changed.id()).isNotEqualTo(descriptor.id());
      assertThat(changed.id()).isEqualTo(Digest.of(changed.encode()));
      assertThat(SessionDescriptor.decode(changed.encode())).isEqualTo(changed);
    }

    /// The fields that a site knows from its membership, its plan and its stored update, and how it
    /// names each.
    @ParameterizedTest
    @CsvSource({
      "federation, session descriptor: federation another;",
      "federationEpoch, session descriptor: federation epoch 2;",
      "run, session descriptor: run 00000000-",
      "round, session descriptor: round 2;",
      "plan, session descriptor: plan ",
      "terms, session descriptor: terms ",
      "membership, session descriptor: membership ",
      "membershipVersion, session descriptor: membership version 2;",
      "roster, site-4",
      "quorum, session descriptor: nC 0;",
      "vectorLayout, session descriptor: vector layout ",
      "bits, session descriptor: bits 24;",
      "noise, session descriptor: noise ",
      "suite, session descriptor: suite ",
      "graph, session descriptor: graph "
    })
    void a_site_refuses_a_descriptor_that_differs_in_anything_it_knows(
        String component, String named) {
      byte[] view = view(changed(component));

      assertThatThrownBy(() -> open(site, federation.plan, view))
          .isInstanceOf(SessionRefusal.class)
          .hasMessageContaining(named.stripTrailing());
      assertThat(federation.vault(site).locks()).isEmpty();
    }

    private SessionDescriptor changed(String component) {
      Map<String, Object> values = new HashMap<>();
      values.put("federation", new FederationId("another"));
      values.put("federationEpoch", 2L);
      values.put("run", new RunId(new UUID(3, 6)));
      values.put("round", 2);
      values.put("attempt", 2);
      values.put(
          "previous", Optional.of(new SessionDescriptor.Previous.NoMaskedInput(descriptor.id())));
      values.put("membershipVersion", 2L);
      values.put("bits", 24);
      values.put("noise", new Noise.RecordLevel(1, 0.5, 1e-5));
      values.put("graph", new SessionDescriptor.Graph.Regular(4, 3, new GraphRule(4, 20, 20, 200)));
      var limits = new SessionDescriptor.Limits(Duration.ofSeconds(31), Duration.ofMinutes(5));
      for (String phase : List.of("advertising", "sharing", "collecting")) {
        values.put(phase, limits);
      }
      for (String digest : List.of("nonce", "plan", "terms", "membership", "vectorLayout")) {
        values.put(digest, Digest.of(new byte[] {77}));
      }
      values.put("quorum", new Quorum(5, 0, 3));
      List<SessionDescriptor.Seat> seats = new ArrayList<>(descriptor.roster());
      seats.set(4, new SessionDescriptor.Seat(seats.get(4).site(), Digest.of(new byte[] {77})));
      values.put("roster", seats);
      values.put("suite", Suite.X25519_CHACHA20);
      return with(
          descriptor, Map.of(component, Objects.requireNonNull(values.get(component), component)));
    }

    @Test
    void a_lower_threshold_or_fewer_survivors_than_follow_from_n_and_n_C_are_refused() {
      for (String field : List.of("threshold", "minSurvivors")) {
        byte[] encoded = descriptor.encode();
        int at = indexAfter(encoded, field);
        assertThat(encoded[at]).isEqualTo((byte) 4); // both are 4, in one byte of CBOR
        encoded[at] = 3;
        byte[] lower =
            new SignedView(
                    Bytes.of(encoded),
                    Bytes.of(federation.aggregator.sign(SignatureLabel.DESCRIPTOR, encoded)))
                .encode();

        assertRefusal(SessionRefusal.Reason.MALFORMED, () -> open(site, federation.plan, lower));
      }
    }

    /// Two encodings of one descriptor would give it two identities.
    @Test
    void a_descriptor_in_any_other_encoding_is_refused() {
      byte[] encoded = descriptor.encode();
      byte[] longer = Arrays.copyOf(encoded, encoded.length + 1);

      assertRefusal(SessionRefusal.Reason.MALFORMED, () -> SessionDescriptor.decode(longer));
      int at = indexAfter(encoded, "threshold");
      byte[] wide = new byte[encoded.length + 1]; // 4 as 0x18 0x04
      System.arraycopy(encoded, 0, wide, 0, at);
      wide[at] = 0x18;
      System.arraycopy(encoded, at, wide, at + 1, encoded.length - at);
      assertRefusal(SessionRefusal.Reason.MALFORMED, () -> SessionDescriptor.decode(wide));
    }

    private int indexAfter(byte[] encoded, String field) {
      String text = new String(encoded, StandardCharsets.ISO_8859_1);
      return text.indexOf(field) + field.length();
    }

    @Test
    void what_a_site_signed_under_one_descriptor_is_worth_nothing_under_another() {
      SessionDescriptor weaker = with(descriptor, Map.of("nonce", Digest.of(new byte[] {77})));
      SignedMessage signed = open(site, federation.plan, view(weaker)).advertise();

      assertRefused(SessionRefusal.Reason.MISMATCH, signed);
      assertRefused(SessionRefusal.Reason.BAD_SIGNATURE, relabelled(signed, descriptor.id()));
    }
  }

  @Nested
  class FakeClients {
    private final SessionDescriptor descriptor = federation.server.descriptor();

    private SessionDescriptor roster(List<SessionDescriptor.Seat> seats) {
      return with(descriptor, Map.of("roster", seats, "quorum", new Quorum(seats.size(), 1, 3)));
    }

    @Test
    void a_site_that_the_consortium_never_listed_is_refused() {
      MessageKey sybil = MessageKey.generate();
      List<SessionDescriptor.Seat> seats = new ArrayList<>(descriptor.roster());
      seats.set(
          4, new SessionDescriptor.Seat(new SiteId("sybil"), sybil.publicKey().fingerprint()));
      List<SessionDescriptor.Seat> sorted =
          seats.stream().sorted((a, b) -> a.site().compareTo(b.site())).toList();

      assertRefusal(
          SessionRefusal.Reason.NOT_A_MEMBER,
          () -> open(site, federation.plan, view(roster(sorted))));
    }

    @Test
    void a_listed_site_with_a_key_of_the_aggregators_making_is_refused() {
      List<SessionDescriptor.Seat> seats = new ArrayList<>(descriptor.roster());
      seats.set(
          3,
          new SessionDescriptor.Seat(
              sites.get(3), MessageKey.generate().publicKey().fingerprint()));

      assertRefusal(
          SessionRefusal.Reason.NOT_A_MEMBER,
          () -> open(site, federation.plan, view(roster(seats))));
    }

    @Test
    void a_revoked_site_is_refused_by_whoever_knows_of_it_and_an_old_list_with_it() {
      MembershipEpoch second = without(sites.get(4));
      SiteSession.Site informed = federation.site(site, second, 3);

      assertRefusal(
          SessionRefusal.Reason.MISMATCH,
          () ->
              SiteSession.open(
                  informed,
                  federation.plan,
                  Objects.requireNonNull(federation.updates.get(site)),
                  view(descriptor)));
      SessionDescriptor relisted =
          with(descriptor, Map.of("membershipVersion", 2L, "membership", second.digest()));
      assertRefusal(
          SessionRefusal.Reason.NOT_A_MEMBER,
          () ->
              SiteSession.open(
                  informed,
                  federation.plan,
                  Objects.requireNonNull(federation.updates.get(site)),
                  view(relisted)));
    }

    private MembershipEpoch without(SiteId gone) {
      MembershipEpoch first = federation.membership;
      return new MembershipEpoch(
          first.federation(),
          2,
          Federation.NOW,
          first.expiresAt(),
          first.aggregator(),
          first.members().stream().filter(member -> !member.site().equals(gone)).toList(),
          List.of(),
          first.nCFloor(),
          first.allowedArchitectures(),
          Optional.of(first.digest()));
    }

    @Test
    void one_site_in_two_seats_is_refused() {
      List<SessionDescriptor.Seat> seats = new ArrayList<>(descriptor.roster());
      seats.set(4, seats.get(3));

      assertThatThrownBy(() -> roster(seats))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("name each once");
    }

    @Test
    void one_site_that_advertises_under_two_names_is_refused_for_its_keys() {
      SignedMessage honest = federation.answer(site, SignedView.Kind.DESCRIPTOR);
      federation.send(honest);
      SignedMessage copied =
          federation.signed(
              sites.get(1), SignedMessage.Phase.ADVERTISE_KEYS, honest.body().toByteArray());

      assertRefused(SessionRefusal.Reason.BAD_KEY, copied);

      federation.runUntil(ServerSession.State.SHARING_KEYS);
      KeyList keys = ((SharingKeys) federation.server).keys();
      List<SignedMessage> shown = new ArrayList<>(keys.messages().values());
      shown.set(1, copied);
      SiteId another = sites.get(2);
      assertRefusal(
          SessionRefusal.Reason.BAD_KEY,
          () ->
              federation
                  .session(another)
                  .share(view(SignedView.Kind.KEYS, KeyList.messagesToCbor(shown))));
    }

    @Test
    void fewer_colluding_sites_than_the_consortium_reckons_with_are_refused() {
      RoundPlan plan = Federation.plan(sites, 0);
      SessionDescriptor lower =
          with(
              descriptor,
              Map.of(
                  "plan",
                  plan.digest(),
                  "terms",
                  plan.terms().digest(),
                  "quorum",
                  new Quorum(5, 0, 3)));

      assertRefusal(SessionRefusal.Reason.QUORUM, () -> open(site, plan, view(lower)));
    }
  }

  @Nested
  class Replay {

    /// A whole session is recorded; then every message of it is sent in every state of the next.
    @Tag("exhaustive")
    @Test
    void no_message_of_an_earlier_session_is_taken_in_any_later_one() {
      federation.run((_, _) -> true);
      List<SignedMessage> recorded =
          federation.events.stream()
              .filter(SessionEvent.MessageReceived.class::isInstance)
              .map(event -> ((SessionEvent.MessageReceived) event).message())
              .toList();
      assertThat(recorded.stream().map(SignedMessage::phase).distinct()).hasSize(5);
      Federation next = new Federation(5, 1);
      next.retry(next.sites, Optional.empty());
      assertThat(next.server.descriptor().id()).isNotEqualTo(federation.server.descriptor().id());

      for (ServerSession.State state : running()) {
        next.runUntil(state);
        for (SignedMessage old : recorded) {
          assertNotTaken(next, old);
          assertNotTaken(next, relabelled(old, next.server.descriptor().id()));
        }
      }
    }

    /// Every message of a session is sent again in every state, under the name of every phase and
    /// of every sender.
    @Test
    void no_message_passes_for_one_of_another_phase_or_sender() {
      List<SignedMessage> recorded = new ArrayList<>();
      for (ServerSession.State state : running()) {
        federation.runUntil(state);
        recorded.addAll(
            federation.events.stream()
                .filter(SessionEvent.MessageReceived.class::isInstance)
                .map(event -> ((SessionEvent.MessageReceived) event).message())
                .filter(message -> !recorded.contains(message))
                .toList());
        for (ServerSession.Owed owed : federation.server.owed()) {
          recorded.add(federation.answer(owed.site(), owed.view())); // not sent yet
        }
        for (SignedMessage old : List.copyOf(recorded)) {
          for (SignedMessage.Phase phase : SignedMessage.Phase.values()) {
            for (SiteId sender : sites) {
              if (phase != old.phase() || !sender.equals(old.sender())) {
                assertNotTaken(
                    federation,
                    new SignedMessage(old.session(), sender, phase, old.body(), old.signature()));
              }
            }
          }
        }
      }
      assertThat(recorded).hasSizeGreaterThanOrEqualTo(15);
    }

    private List<ServerSession.State> running() {
      return List.of(
          ServerSession.State.ADVERTISING_KEYS,
          ServerSession.State.SHARING_KEYS,
          ServerSession.State.COLLECTING,
          ServerSession.State.VOTING,
          ServerSession.State.UNMASKING);
    }

    private void assertNotTaken(Federation in, SignedMessage message) {
      ServerSession before = in.server;
      assertThat(in.send(message))
          .as("%s of %s in %s", message.phase(), message.sender(), before.state())
          .isNotInstanceOf(ServerSession.Transition.Moved.class);
      assertThat(in.server).isSameAs(before);
    }

    /// Every view of a session is shown to a site at every step of the next.
    @Test
    void no_view_of_an_earlier_session_or_of_another_step_is_taken_by_a_site() {
      Map<SignedView.Kind, byte[]> recorded = new LinkedHashMap<>();
      while (federation.server.state() != ServerSession.State.DONE) {
        ServerSession.Owed owed = federation.server.owed().getFirst();
        if (owed.site().equals(site)) {
          recorded.put(owed.view(), federation.view(site));
        }
        federation.deliver(owed.site(), owed.view());
      }
      assertThat(recorded).hasSize(5);
      Federation next = new Federation(5, 1);
      next.retry(next.sites, Optional.empty());

      while (next.server.state() != ServerSession.State.DONE) {
        ServerSession.Owed owed = next.server.owed().getFirst();
        if (owed.site().equals(site) && owed.view() != SignedView.Kind.DESCRIPTOR) {
          MemoryVault vault = (MemoryVault) next.vault(site);
          String before = vault.contents();
          recorded.forEach((kind, old) -> {
            assertThatThrownBy(() -> answer(next.session(site), owed.view(), old))
                .as("%s shown for %s", kind, owed.view())
                .isInstanceOf(SessionRefusal.class);
            assertThat(vault.contents()).isEqualTo(before);
          });
        }
        next.deliver(owed.site(), owed.view());
      }
    }

    private SignedMessage answer(SiteSession session, SignedView.Kind step, byte[] view) {
      return switch (step) {
        case KEYS -> session.share(view);
        case SHARES -> session.mask(view).header();
        case HEADERS -> session.vote(view);
        case CERTIFICATE -> session.unmask(view);
        case DESCRIPTOR, RELEASE, ABORT_PROPOSAL -> throw new AssertionError(step);
      };
    }
  }

  @Nested
  class TamperedShares {
    private static final int DELIVERED = Delivery.CIPHERTEXT_BYTES + 2 * Digest.SIZE;
    private static final int PATH = 3 * Digest.SIZE;

    private final SiteId dealer = sites.get(1);

    /// The delivery of `dealer` for `site` with one bit of one byte flipped, in a view that the
    /// aggregator signed.
    private byte[] sharesWithFlipped(int at) {
      Dealing dealing = ((Collecting) federation.server).dealing();
      return view(
          SignedView.Kind.SHARES,
          KeyList.messagesToCbor(dealing.shares().messages().values())
              .maps(
                  "deliveries",
                  sites,
                  each -> {
                    Delivery delivery = dealing.delivery(each, site);
                    List<Digest> path =
                        Objects.requireNonNull(dealing.deliveries().get(each))
                            .path(dealing.keys(), each, site);
                    if (!each.equals(dealer)) {
                      return ReceivedShares.toCbor(each, delivery, path);
                    }
                    return at < DELIVERED
                        ? ReceivedShares.toCbor(each, flipped(delivery, at), path)
                        : ReceivedShares.toCbor(each, delivery, flipped(path, at - DELIVERED));
                  }));
    }

    private List<Digest> flipped(List<Digest> path, int at) {
      assertThat(path).hasSize(PATH / Digest.SIZE);
      List<Digest> changed = new ArrayList<>(path);
      byte[] sibling = path.get(at / Digest.SIZE).bytes();
      sibling[at % Digest.SIZE] ^= 1;
      changed.set(at / Digest.SIZE, Digest.ofValue(sibling));
      return changed;
    }

    private Delivery flipped(Delivery delivery, int at) {
      byte[] ciphertext = delivery.ciphertext().toByteArray();
      byte[] seedShare = delivery.seedShare().bytes();
      byte[] keyShare = delivery.keyShare().bytes();
      if (at < ciphertext.length) {
        ciphertext[at] ^= 1;
      } else if (at < ciphertext.length + Digest.SIZE) {
        seedShare[at - ciphertext.length] ^= 1;
      } else {
        keyShare[at - ciphertext.length - Digest.SIZE] ^= 1;
      }
      return new Delivery(
          delivery.receiver(),
          Bytes.of(ciphertext),
          Digest.ofValue(seedShare),
          Digest.ofValue(keyShare));
    }

    @Tag("exhaustive")
    @Test
    void a_share_with_any_byte_changed_is_never_used_and_its_dealer_still_counts() {
      federation.runUntil(ServerSession.State.COLLECTING);
      MemoryVault before = ((MemoryVault) federation.vault(site)).backup();

      for (int at = 0; at < DELIVERED + PATH; at++) {
        MemoryVault vault = before.backup();
        federation.vaults.put(site, vault);
        federation.restart(site);
        federation.session(site).mask(sharesWithFlipped(at));

        KeyList keys = ((Collecting) federation.server).dealing().keys();
        byte[] shown =
            vault.kept(federation.session(site).id(), SiteVault.Item.SHARES_SHOWN).orElseThrow();
        ReceivedShares received =
            CborReader.read(shown, "shares", in -> ReceivedShares.read(keys, site, in));
        byte[] seed = vault.kept(federation.session(site).id(), SiteVault.Item.SEED).orElseThrow();
        assertThat(received.open(new Secrets(federation.session(site).id(), seed)).keySet())
            .as("byte " + at)
            .containsExactlyInAnyOrderElementsOf(sites.subList(2, 5));
      }
    }

    @Test
    void with_more_bad_shares_than_can_collude_the_site_masks_nothing() {
      federation.runUntil(ServerSession.State.COLLECTING);
      Dealing dealing = ((Collecting) federation.server).dealing();
      byte[] view =
          view(
              SignedView.Kind.SHARES,
              KeyList.messagesToCbor(dealing.shares().messages().values())
                  .maps(
                      "deliveries",
                      sites,
                      each -> {
                        Delivery delivery = dealing.delivery(each, site);
                        List<Digest> path =
                            Objects.requireNonNull(dealing.deliveries().get(each))
                                .path(dealing.keys(), each, site);
                        boolean bad = sites.indexOf(each) == 1 || sites.indexOf(each) == 2;
                        return ReceivedShares.toCbor(
                            each, bad ? flipped(delivery, 0) : delivery, path);
                      }));

      assertRefusal(
          SessionRefusal.Reason.MISSING_SHARES, () -> federation.session(site).mask(view));
      assertThat(federation.vault(site).hasInput(federation.session(site).id())).isFalse();
    }
  }

  @Nested
  class TooFewInASum {

    /// With two survivors each would learn the other's update.
    @Test
    void no_descriptor_has_two_or_three_sites_without_record_level_privacy() {
      for (int n = 2; n <= 3; n++) {
        Quorum quorum = new Quorum(n, 1, 3);
        List<SessionDescriptor.Seat> seats = federation.server.descriptor().roster().subList(0, n);

        assertThatThrownBy(() ->
                with(federation.server.descriptor(), Map.of("quorum", quorum, "roster", seats)))
            .as("n = " + n)
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("minSurvivors");
      }
    }

    @Test
    void a_plan_that_wants_fewer_honest_inputs_than_this_site_does_is_refused() {
      RoundPlan plan = federation.plan;
      SiteSession.Site cautious = federation.site(site, federation.membership, 4);

      assertRefusal(
          SessionRefusal.Reason.QUORUM,
          () ->
              SiteSession.open(
                  cautious,
                  plan,
                  Objects.requireNonNull(federation.updates.get(site)),
                  federation.view(site)));
    }

    @Test
    void fewer_than_m_of_keys_shares_or_headers_are_refused_by_the_site_at_each_step() {
      federation.runUntil(ServerSession.State.SHARING_KEYS);
      KeyList keys = ((SharingKeys) federation.server).keys();
      assertRefusal(
          SessionRefusal.Reason.QUORUM,
          () ->
              federation
                  .session(site)
                  .share(view(SignedView.Kind.KEYS, first(3, keys.messages()))));

      federation.runUntil(ServerSession.State.COLLECTING);
      ShareList shares = ((Collecting) federation.server).dealing().shares();
      assertRefusal(
          SessionRefusal.Reason.QUORUM,
          () ->
              federation
                  .session(site)
                  .mask(
                      view(
                          SignedView.Kind.SHARES,
                          first(3, shares.messages())
                              .maps("deliveries", List.of(), _ -> CborWriter.map()))));

      federation.runUntil(ServerSession.State.VOTING);
      HeaderList headers = ((Voting) federation.server).headers();
      SignedMessage vote =
          federation
              .session(site)
              .vote(view(SignedView.Kind.HEADERS, first(3, headers.messages())));
      assertThat(Ballot.decode(vote.body().toByteArray())).isEqualTo(Ballot.ABORT);
    }

    private CborWriter first(int count, Map<SiteId, SignedMessage> messages) {
      return KeyList.messagesToCbor(List.copyOf(messages.values()).subList(0, count));
    }
  }

  @Nested
  class BadPoints {

    static Stream<String> points() {
      BigInteger p = BigInteger.ONE.shiftLeft(255).subtract(BigInteger.valueOf(19));
      Stream<BigInteger> smallOrder =
          Stream.of(
              BigInteger.ZERO,
              BigInteger.ONE,
              new BigInteger(
                  "325606250916557431795983626356110631294008115727848805560023387167927233504"),
              new BigInteger(
                  "39382357235489614581723060781553021112529911719440698176882885853963445705823"),
              p.subtract(BigInteger.ONE));
      Stream<BigInteger> notCanonical =
          Stream.of(
              p,
              p.add(BigInteger.ONE),
              p.add(BigInteger.valueOf(9)),
              BigInteger.ONE.shiftLeft(255).subtract(BigInteger.ONE),
              BigInteger.valueOf(9).setBit(255),
              BigInteger.ONE.shiftLeft(256).subtract(BigInteger.ONE));
      return Stream.concat(smallOrder, notCanonical).map(BadPoints::littleEndian);
    }

    private static String littleEndian(BigInteger u) {
      byte[] bytes = new byte[32];
      for (int i = 0; i < 32; i++) {
        bytes[i] = u.shiftRight(8 * i).byteValue();
      }
      return HexFormat.of().formatHex(bytes);
    }

    @ParameterizedTest
    @MethodSource("points")
    void a_low_order_or_non_canonical_key_is_refused_at_the_wire_by_aggregator_and_sites(
        String point) {
      Bytes u = Bytes.of(HexFormat.of().parseHex(point));
      federation.runUntil(ServerSession.State.SHARING_KEYS);
      KeyList keys = ((SharingKeys) federation.server).keys();
      Advertisement sent = keys.of(sites.get(3));

      for (Advertisement bad :
          List.of(withKeys(sent, u, sent.channelKey()), withKeys(sent, sent.maskKey(), u))) {
        SignedMessage message =
            federation.signed(sites.get(3), SignedMessage.Phase.ADVERTISE_KEYS, bad.encode());
        List<SignedMessage> shown = new ArrayList<>(keys.messages().values());
        shown.set(3, message);
        assertRefusal(
            SessionRefusal.Reason.BAD_KEY,
            () ->
                federation
                    .session(site)
                    .share(view(SignedView.Kind.KEYS, KeyList.messagesToCbor(shown))));

        Federation fresh = new Federation(5, 1);
        assertThat(
                fresh.send(
                    fresh.signed(sites.get(3), SignedMessage.Phase.ADVERTISE_KEYS, bad.encode())))
            .isInstanceOfSatisfying(
                ServerSession.Transition.Refused.class,
                refused -> assertThat(refused.code()).isEqualTo(SessionRefusal.Reason.BAD_KEY));
      }
    }

    private static Advertisement withKeys(Advertisement sent, Bytes mask, Bytes channel) {
      return new Advertisement(
          mask,
          channel,
          sent.seedCommitment(),
          sent.graphRandomness(),
          sent.counter(),
          sent.ledgerHead(),
          sent.membershipVersion(),
          sent.membership());
    }
  }
}
