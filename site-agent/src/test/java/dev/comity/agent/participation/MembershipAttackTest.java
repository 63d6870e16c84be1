package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.membership.KeySuccession;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.membership.MembershipEpoch.Revocation;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.ReportRequest;
import dev.comity.session.ServerSession;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An aggregator that lies about who belongs to the federation, before agents with real keys and
/// TLS.
class MembershipAttackTest {
  private static final List<SiteId> SITES =
      List.of(new SiteId("s1"), new SiteId("s2"), new SiteId("s3"), new SiteId("s4"));
  private static final SiteId LAST = SITES.getLast();

  @TempDir Path folder;
  private TestAggregator aggregator;
  private final Map<SiteId, Agent> agents = new HashMap<>();

  @BeforeEach
  void join() throws Exception {
    aggregator = new TestAggregator(Files.createDirectories(folder.resolve("spool")));
    for (SiteId site : SITES) {
      TestSites.join(aggregator, directory(site), site);
    }
  }

  @AfterEach
  void stop() {
    agents.values().forEach(Agent::close);
    aggregator.close();
  }

  @Test
  void aListThatTheConsortiumDidNotSignIsRefused() throws Exception {
    start(LAST);

    aggregator.show(list(1, Optional.empty()), MessageKey.generate());

    awaitProblem("not signed by the consortium key");
    awaitProblem("the aggregator may invent sites: tell the consortium");
    assertThat(agent().status().membershipVersion()).isZero();
  }

  @Test
  void anOlderListThanTheOneSeenIsRefusedAlsoAfterARestart() throws Exception {
    start(LAST);
    MembershipEpoch first = list(1, Optional.empty());
    aggregator.show(first);
    awaitVersion(1);
    aggregator.show(revoking(first, SITES.getFirst()));
    awaitVersion(2);

    agent().close();
    aggregator.forgetGreeting(LAST);
    aggregator.show(first);
    start(LAST);

    awaitProblem("membership version 1: this site has seen version 2");
    awaitProblem("which may be a revocation");
    assertThat(agent().status().membershipVersion()).isEqualTo(2);
  }

  @Test
  void aNewerListThatOmitsARevocationIsRefused() throws Exception {
    start(LAST);
    MembershipEpoch first = list(1, Optional.empty());
    MembershipEpoch second = revoking(first, SITES.getFirst());
    aggregator.show(second);
    awaitVersion(2);

    aggregator.show(list(3, Optional.of(second.digest())));

    awaitProblem("drops the revocation of key");
    awaitProblem("of site s1");
    assertThat(agent().status().membershipVersion()).isEqualTo(2);
  }

  @Test
  void twoListsOfOneVersionAreRefusedWithBothDigests() throws Exception {
    start(LAST);
    MembershipEpoch one = list(1, Optional.empty());
    MembershipEpoch other =
        aggregator.listing(1, Optional.empty(), Instant.now().plus(2, ChronoUnit.DAYS));
    aggregator.show(one);
    awaitVersion(1);

    aggregator.show(other);

    awaitProblem("this site has seen another list under that number");
    awaitProblem(one.digest().abbreviated());
    awaitProblem(other.digest().abbreviated());
  }

  @Test
  void aSessionOverASiteThatTheListDoesNotNameIsRefused() throws Exception {
    for (SiteId site : SITES) {
      start(site);
    }
    aggregator.admit();
    aggregator.open(1, RunKind.TRAIN);
    aggregator.await("all are ready", () -> aggregator.ready().size() == SITES.size());
    MembershipEpoch told = aggregator.epoch();
    var members = new ArrayList<>(told.members());
    members.remove(new Member(LAST, told.keyOf(LAST).orElseThrow()));
    members.add(new Member(LAST, MessageKey.generate().publicKey()));
    aggregator.pretend(
        new MembershipEpoch(
            told.federation(),
            told.version(),
            told.issuedAt(),
            told.expiresAt(),
            told.aggregator(),
            members,
            told.revocations(),
            told.nCFloor(),
            told.allowedArchitectures(),
            told.previous()));

    aggregator.begin(SITES);

    aggregator.await("all refused", () -> SITES.stream().allMatch(this::refusedSession));
    assertThat(aggregator.state()).isEqualTo(ServerSession.State.ADVERTISING_KEYS);
    assertThat(agent().status().problem()).contains("membership");
  }

  @Test
  void nothingIsDoneUnderAnExpiredListAndTheStatusSaysUntilWhenItHolds() throws Exception {
    start(LAST);
    Instant past = Instant.now().minusSeconds(5).truncatedTo(ChronoUnit.MILLIS);
    aggregator.show(aggregator.listing(1, Optional.empty(), past));
    awaitVersion(1);

    aggregator.open(1, RunKind.TRAIN);

    aggregator.await("the site refused", () -> !refusals().isEmpty());
    assertThat(refusals().toString()).contains("membership version 1: expired at " + past);
    assertThat(agent().status().membershipExpiresAt()).isEqualTo(past);
  }

  @Test
  void anImprintLayerIsRefusedByTheSiteThoughItsFamilyIsAllowed() throws Exception {
    start(LAST);
    aggregator.admit(); // allows the family
    awaitVersion(1);

    aggregator.open(
        1,
        RunKind.TRAIN,
        plan -> TestPlans.withArchitecture(plan, Architecture.parse("mlp(2,4096,1)")));

    aggregator.await("the site refused", () -> !refusals().isEmpty());
    assertThat(refusals().toString())
        .contains("hidden layer 1 has 4096 units over 2 inputs, more than the 128")
        .contains("(membership version 1)");
  }

  @Test
  void theConsortiumsNewKeyIsFollowedAndTheOldOneBelievedNoMore() throws Exception {
    start(LAST);
    MessageKey next = MessageKey.generate();
    MembershipEpoch first = list(1, Optional.empty());
    MembershipEpoch second = handingOver(first, next);
    MembershipEpoch third = after(second, second.handOvers());
    aggregator.show(first);
    awaitVersion(1);

    // The list that hands over was never shown: the next one carries the statement.
    aggregator.show(third, next);
    awaitVersion(3);

    aggregator.show(after(third, List.of()));
    awaitProblem("tells other hand-overs of the consortium's key");
    assertThat(agent().status().membershipVersion()).isEqualTo(3);
  }

  private MembershipEpoch handingOver(MembershipEpoch before, MessageKey next) {
    return after(
        before,
        List.of(
            new MembershipEpoch.HandOver(
                before.version() + 1,
                KeySuccession.sign(
                    before.federation(),
                    Optional.empty(),
                    aggregator.enrolments.consortium,
                    next))));
  }

  private MembershipEpoch list(long version, Optional<Digest> previous) {
    return aggregator.listing(version, previous, Instant.now().plus(1, ChronoUnit.DAYS));
  }

  private static MembershipEpoch revoking(MembershipEpoch before, SiteId site) {
    var key = before.keyOf(site).orElseThrow();
    return new MembershipEpoch(
        before.federation(),
        before.version() + 1,
        before.issuedAt(),
        before.expiresAt(),
        before.aggregator(),
        before.members().stream().filter(member -> !member.site().equals(site)).toList(),
        List.of(new Revocation(Optional.of(site), key.fingerprint(), before.issuedAt(), "stolen")),
        before.nCFloor(),
        before.allowedArchitectures(),
        Optional.of(before.digest()));
  }

  private static MembershipEpoch after(
      MembershipEpoch before, List<MembershipEpoch.HandOver> handOvers) {
    return new MembershipEpoch(
        before.federation(),
        before.version() + 1,
        before.issuedAt(),
        before.expiresAt(),
        before.aggregator(),
        before.members(),
        before.revocations(),
        before.nCFloor(),
        before.allowedArchitectures(),
        Optional.of(before.digest()),
        handOvers);
  }

  private boolean refusedSession(SiteId site) {
    return aggregator.reports(site).stream()
        .anyMatch(said -> said.hasFailed() && said.getFailed().getCode().equals("session"));
  }

  private List<String> refusals() {
    return aggregator.reports(LAST).stream()
        .filter(ReportRequest::hasRefused)
        .flatMap(said -> said.getRefused().getReasonsList().stream())
        .toList();
  }

  private void awaitProblem(String words) throws Exception {
    aggregator.await(
        "the problem says: " + words,
        () -> String.valueOf(agent().status().problem()).contains(words));
  }

  private void awaitVersion(long version) throws Exception {
    aggregator.await("version " + version, () -> agent().status().membershipVersion() == version);
  }

  private Agent agent() {
    return Optional.ofNullable(agents.get(LAST)).orElseThrow();
  }

  private void start(SiteId site) throws Exception {
    Agent agent = Agent.open(directory(site), Clock.systemUTC(), List.of());
    agents.put(site, agent);
    Thread.ofVirtual().start(agent::run);
    aggregator.await(site + " said hello", () -> aggregator.greeted(site));
  }

  private SiteDirectory directory(SiteId site) {
    return new SiteDirectory(folder.resolve(site.value()));
  }
}
