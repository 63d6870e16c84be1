package dev.comity.session;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.update.RejectedSum;
import dev.comity.update.SumAccumulator;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// One suite for a whole session: the plan's.
class SuiteTest {
  private static final GraphRule RING = new GraphRule(7, 120, 20, 200);

  static Stream<Arguments> suitesAndGraphs() {
    return Stream.of(Suite.values())
        .flatMap(suite ->
            Stream.of(Arguments.of(suite, 5, GraphRule.STANDARD), Arguments.of(suite, 12, RING)));
  }

  @ParameterizedTest
  @MethodSource("suitesAndGraphs")
  void a_session_with_drop_outs_has_the_plain_sum_under_every_suite(
      Suite suite, int n, GraphRule rule) {
    Federation federation = new Federation(n, 1, rule, suite);

    federation.run(withoutTheLast(federation));

    assertThat(federation.server.state()).isEqualTo(ServerSession.State.DONE);
    assertThat(federation.server.descriptor().suite()).isEqualTo(suite);
    assertThat(federation.server.survivors()).isEqualTo(federation.sites.subList(0, n - 1));
    assertThat(federation.maskedSum().encode())
        .isEqualTo(federation.plainSum(federation.server.survivors()).encode());
  }

  @Test
  void the_suites_give_the_same_sum_of_other_vectors() {
    Map<Suite, Federation> federations = new EnumMap<>(Suite.class);
    for (Suite suite : Suite.values()) {
      Federation federation = new Federation(5, 1, GraphRule.STANDARD, suite);
      federation.run(withoutTheLast(federation));
      federations.put(suite, federation);
    }

    assertThat(
            federations.values().stream()
                .map(federation -> Bytes.of(federation.maskedSum().encode()))
                .distinct())
        .hasSize(1);
    assertThat(
            federations.values().stream()
                .map(federation -> federation.spooled(federation.sites.getFirst()).digest())
                .distinct())
        .hasSize(Suite.values().length);
  }

  @Test
  void the_masks_of_one_suite_do_not_come_off_with_the_generator_of_another() {
    Federation federation = new Federation(5, 1, GraphRule.STANDARD, Suite.X25519_CHACHA20);
    federation.run((_, _) -> true);
    SumAccumulator sum = new SumAccumulator(federation.plan.terms().vector(), 1);
    federation.sites.forEach(site -> sum.add(federation.spooled(site)));

    Done done = (Done) federation.server;
    sum.remove(done.revealed().masks(keysUnder(Suite.STANDARD, done.dealing().keys())));

    assertThatThrownBy(() -> sum.decode(5)).isInstanceOf(RejectedSum.class);
  }

  @Test
  void a_transcript_proves_the_suite_of_its_session() {
    Federation federation = new Federation(5, 1, GraphRule.STANDARD, Suite.X25519_CHACHA20);
    federation.run(withoutTheLast(federation));

    var proven =
        TranscriptVerifier.verify(
            federation.server.transcript(), _ -> Optional.of(federation.membership));

    assertThat(proven).isInstanceOf(TranscriptVerifier.Proven.Committed.class);
    assertThat(proven.descriptor().suite()).isEqualTo(Suite.X25519_CHACHA20);
  }

  @ParameterizedTest
  @EnumSource(Suite.class)
  void a_site_refuses_a_descriptor_of_another_suite_than_its_plans(Suite planned) {
    Federation federation = new Federation(5, 1, GraphRule.STANDARD, planned);
    for (Suite other : Suite.values()) {
      if (other != planned) {
        SessionDescriptor lie = under(other, federation.server.descriptor());

        assertRefused(
            federation,
            lie.encode(),
            SessionRefusal.Reason.MISMATCH,
            "session descriptor: suite %s; must be %s, as this site knows it"
                .formatted(other, planned));
      }
    }
  }

  @Test
  void a_site_refuses_a_plan_of_another_suite_than_the_sessions() {
    Federation federation = new Federation(5, 1, GraphRule.STANDARD, Suite.X25519_CHACHA20);
    RoundPlan own = Federation.plan(federation.sites, 1);
    SiteId site = federation.sites.getFirst();
    byte[] view = federation.view(site);

    assertThatThrownBy(() ->
            SiteSession.open(
                federation.site(site),
                own,
                Objects.requireNonNull(federation.updates.get(site)),
                view))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.MISMATCH));
  }

  @Test
  void an_unknown_suite_is_refused_by_name_and_nothing_is_kept() {
    Federation federation = new Federation(5, 1);
    byte[] document = federation.server.descriptor().encode();
    int at = new String(document, ISO_8859_1).indexOf("x25519-aes-256-ctr");
    document[at + 1] = '4'; // x45519

    assertRefused(
        federation,
        document,
        SessionRefusal.Reason.UNKNOWN_SUITE,
        "session descriptor: suite \"x45519-aes-256-ctr\": unknown; must be one of x25519-aes-256-ctr, x25519-chacha20; upgrade this software, or choose one of these in the plan");
    assertThatThrownBy(() -> SessionDescriptor.decode(document)).isInstanceOf(SessionRefusal.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {31, 33})
  void a_key_of_another_length_than_the_agreements_is_refused(int length) {
    Federation federation = new Federation(5, 1);
    SiteId site = federation.sites.getFirst();
    Advertisement honest =
        Advertisement.of(
            federation.answer(site, SignedView.Kind.DESCRIPTOR), Suite.Agreement.X25519);
    byte[] key = Arrays.copyOf(honest.maskKey().toByteArray(), length);

    var transition =
        federation.send(
            federation.signed(
                site,
                SignedMessage.Phase.ADVERTISE_KEYS,
                new Advertisement(
                        Bytes.of(key),
                        honest.channelKey(),
                        honest.seedCommitment(),
                        honest.graphRandomness(),
                        honest.counter(),
                        honest.ledgerHead(),
                        honest.membershipVersion(),
                        honest.membership())
                    .encode()));

    assertThat(transition)
        .isEqualTo(
            new ServerSession.Transition.Refused(
                SessionRefusal.Reason.MALFORMED,
                "malformed ADVERTISE_KEYS of site-0: Advertisement.maskKey: %d bytes; must be 32"
                    .formatted(length)));
  }

  private static void assertRefused(
      Federation federation, byte[] document, SessionRefusal.Reason reason, String message) {
    SiteId site = federation.sites.getFirst();
    byte[] signature = federation.aggregator.sign(SignatureLabel.DESCRIPTOR, document);
    byte[] view = new SignedView(Bytes.of(document), Bytes.of(signature)).encode();

    assertThatThrownBy(() ->
            SiteSession.open(
                federation.site(site),
                federation.plan,
                Objects.requireNonNull(federation.updates.get(site)),
                view))
        .isInstanceOfSatisfying(
            SessionRefusal.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason))
        .hasMessage(message);
    assertThat(federation.vault(site).locks()).isEmpty();
  }

  /// All answer but the last site, which is gone once it has dealt its shares.
  private static BiPredicate<SiteId, SignedView.Kind> withoutTheLast(Federation federation) {
    SiteId last = federation.sites.getLast();
    return (site, kind) -> !site.equals(last) || kind.compareTo(SignedView.Kind.SHARES) < 0;
  }

  private static KeyList keysUnder(Suite suite, KeyList keys) {
    Roster roster =
        new Roster(
            under(suite, keys.roster().descriptor()),
            keys.roster().session(),
            keys.roster().keys());
    return new KeyList(
        roster,
        keys.messages(),
        keys.advertisements(),
        keys.sites(),
        keys.places(),
        keys.h1(),
        keys.onRing());
  }

  private static SessionDescriptor under(Suite suite, SessionDescriptor honest) {
    return new SessionDescriptor(
        honest.federation(),
        honest.federationEpoch(),
        honest.run(),
        honest.round(),
        honest.attempt(),
        honest.nonce(),
        honest.previous(),
        honest.plan(),
        honest.terms(),
        honest.membership(),
        honest.membershipVersion(),
        honest.roster(),
        honest.quorum(),
        honest.vectorLayout(),
        honest.bits(),
        honest.noise(),
        suite,
        honest.graph(),
        honest.advertising(),
        honest.sharing(),
        honest.collecting());
  }
}
