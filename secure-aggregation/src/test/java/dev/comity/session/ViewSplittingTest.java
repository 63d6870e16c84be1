package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.Quorum;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// An aggregator that shows one site another set of shares than the others, and then chooses the
/// survivors.
///
/// The schedules are enumerated in a model of bit sets; the sessions themselves are then held to
/// the two checks that the model says are needed.
class ViewSplittingTest {

  /// The last `nC` of `n` sites collude. All but `victim` are shown all n sites in P3, the victim
  /// `shown`; `survivors` are proposed in P4.
  private record Schedule(Quorum quorum, int victim, int shown, int survivors) {

    private int everyone() {
      return (1 << quorum.n()) - 1;
    }

    private int honest() {
      return (1 << (quorum.n() - quorum.nC())) - 1;
    }

    private boolean passes(boolean sizes, boolean headers) {
      boolean sizesHold =
          Integer.bitCount(shown) >= quorum.minSurvivors()
              && Integer.bitCount(survivors) >= quorum.minSurvivors();
      boolean headersAgree = shown == everyone() || (survivors >> victim & 1) == 0;
      return (!sizes || sizesHold) && (!headers || headersAgree);
    }

    private int view(int site) {
      return site == victim ? shown : everyone();
    }

    /// Whether the aggregator learns a sum of fewer honest inputs than minHonest. It knows the
    /// masks with dropped and colluding sites. What remains between honest survivors cancels where
    /// both have it, and hides both where one has.
    private boolean violates() {
      int members = honest() & survivors;
      int seen = 0;
      for (int start = 0; start < quorum.n(); start++) {
        if ((members >> start & 1) == 1 && (seen >> start & 1) == 0) {
          int group = 1 << start;
          boolean hidden = false;
          for (int grown = 0; grown != group; ) {
            grown = group;
            for (int i = 0; i < quorum.n(); i++) {
              for (int j = 0; j < quorum.n(); j++) {
                if ((grown >> i & 1) == 1 && i != j && (members >> j & 1) == 1) {
                  boolean mine = (view(i) >> j & 1) == 1;
                  boolean theirs = (view(j) >> i & 1) == 1;
                  hidden |= mine != theirs && mine;
                  group |= mine && theirs ? 1 << j : 0;
                }
              }
            }
          }
          seen |= group;
          if (!hidden && Integer.bitCount(group) < quorum.minHonest()) {
            return true;
          }
        }
      }
      return false;
    }
  }

  private static long violations(Quorum quorum, boolean sizes, boolean headers) {
    return schedules(quorum).stream()
        .filter(schedule -> schedule.passes(sizes, headers) && schedule.violates())
        .count();
  }

  private static List<Schedule> schedules(Quorum quorum) {
    List<Schedule> schedules = new ArrayList<>();
    for (int victim = 0; victim < quorum.n() - quorum.nC(); victim++) {
      for (int shown = 0; shown < 1 << quorum.n(); shown++) {
        for (int survivors = 1; survivors < 1 << quorum.n(); survivors++) {
          if ((shown >> victim & 1) == 1) {
            schedules.add(new Schedule(quorum, victim, shown, survivors));
          }
        }
      }
    }
    return schedules;
  }

  @Test
  void atFourSitesNoScheduleViolatesPrivacyWithBothChecksAndSomeDoWithoutEither() {
    Quorum quorum = new Quorum(4, 1, 2);

    assertThat(violations(quorum, true, true)).isZero();
    assertThat(violations(quorum, true, false)).isEqualTo(6); // the size check alone
    assertThat(violations(quorum, false, true)).isPositive(); // the header check alone
    assertThat(violations(quorum, false, false))
        .isGreaterThan(violations(quorum, true, false))
        .isGreaterThan(violations(quorum, false, true));
  }

  @Test
  void atFiveSitesNoScheduleViolatesPrivacyWithBothChecks() {
    assertThat(violations(new Quorum(5, 1, 3), true, true)).isZero();
    assertThat(violations(new Quorum(5, 2, 2), true, true)).isZero();
    assertThat(violations(new Quorum(5, 2, 2), true, false)).isPositive();
  }

  /// The schedules again, carried out: real sites certify exactly those that the model lets pass,
  /// and none of these violates privacy.
  @Tag("exhaustive")
  @Test
  void realSitesCertifyNoScheduleThatViolatesPrivacy() {
    Quorum quorum = federation.server.descriptor().quorum();
    federation.runUntil(ServerSession.State.COLLECTING);
    Map<SiteId, MemoryVault> dealt = backups(federation.sites);
    int certified = 0;

    for (int shown = 1; shown < 1 << quorum.n(); shown += 2) { // the victim is the first site
      restore(dealt);
      Optional<List<SignedMessage>> headers = masked(shown);
      Map<SiteId, MemoryVault> sent = backups(federation.sites);
      for (int survivors = 1; survivors < 1 << quorum.n(); survivors++) {
        Schedule schedule = new Schedule(quorum, 0, shown, survivors);
        boolean passes = false;
        if (headers.isPresent()) {
          restore(sent);
          passes = isCertified(headers.get(), survivors);
        }

        assertThat(passes).as("%s", schedule).isEqualTo(schedule.passes(true, true));
        assertThat(passes && schedule.violates()).as("%s", schedule).isFalse();
        certified += passes ? 1 : 0;
      }
    }

    assertThat(certified)
        .isEqualTo(6 + 4); // with one view 4 or 5 of 5 survive; else all but the victim
  }

  private Map<SiteId, MemoryVault> backups(List<SiteId> sites) {
    Map<SiteId, MemoryVault> backups = new HashMap<>();
    sites.forEach(site -> backups.put(site, ((MemoryVault) federation.vault(site)).backup()));
    return backups;
  }

  private void restore(Map<SiteId, MemoryVault> backups) {
    backups.forEach((site, vault) -> {
      federation.vaults.put(site, vault.backup());
      federation.restart(site);
    });
  }

  /// The headers of all sites once the victim was shown the shares of `shown` alone; empty when it
  /// refuses them.
  private Optional<List<SignedMessage>> masked(int shown) {
    List<SiteId> leftOut =
        federation.sites.stream()
            .filter(site -> (shown >> federation.sites.indexOf(site) & 1) == 0)
            .toList();
    List<SignedMessage> headers = new ArrayList<>();
    try {
      headers.add(federation.session(victim).mask(sharesWithout(leftOut)).header());
    } catch (SessionRefusal _) {
      return Optional.empty();
    }
    for (SiteId site : federation.sites.subList(1, federation.sites.size())) {
      headers.add(federation.answer(site, SignedView.Kind.SHARES));
    }
    return Optional.of(headers);
  }

  /// Whether the honest sites and those that collude, which sign anything, give T COMMITs of one
  /// H3.
  private boolean isCertified(List<SignedMessage> headers, int survivors) {
    Quorum quorum = federation.server.descriptor().quorum();
    List<SignedMessage> chosen =
        headers.stream()
            .filter(header -> (survivors >> federation.sites.indexOf(header.sender()) & 1) == 1)
            .toList();
    byte[] view = headersView(chosen);
    Digest h3 = Chain.h3(dealing().shares().h2(), Chain.headers(chosen));
    int commits = quorum.nC();
    for (SiteId honest : federation.sites.subList(0, quorum.n() - quorum.nC())) {
      try {
        SignedMessage vote = federation.session(honest).vote(view);
        commits += vote.verifies(federation.key(honest).publicKey(), h3) ? 1 : 0;
      } catch (SessionRefusal _) {
        continue; // no vote is no COMMIT
      }
    }
    return commits >= quorum.threshold();
  }

  @Test
  void aSiteThatWasShownOtherKeysDealsSharesThatNobodyElseTakes() {
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    KeyList keys = ((SharingKeys) federation.server).keys();
    KeyList fewer = KeyList.of(keys.roster(), List.copyOf(keys.messages().values()).subList(0, 4));
    byte[] partial =
        SignedView.of(
                SignedView.Kind.KEYS,
                federation.server.descriptor().id(),
                fewer.toCbor(),
                federation.aggregator)
            .encode();

    SignedMessage dealt = federation.session(victim).share(partial);
    SignedMessage relabelled =
        new SignedMessage(
            dealt.session(), victim, dealt.phase(), dealt.published().body(), dealt.signature());
    List<SignedMessage> shares = new ArrayList<>();
    for (SiteId site : federation.sites.subList(1, 5)) {
      shares.add(federation.answer(site, SignedView.Kind.KEYS).published());
    }
    shares.add(relabelled);
    byte[] mixed =
        SignedView.of(
                SignedView.Kind.SHARES,
                federation.server.descriptor().id(),
                KeyList.messagesToCbor(shares).maps("deliveries", List.of(), _ -> CborWriter.map()),
                federation.aggregator)
            .encode();

    for (SiteId site : federation.sites.subList(1, 5)) {
      assertThatThrownBy(() -> federation.session(site).mask(mixed))
          .isInstanceOfSatisfying(
              SessionRefusal.class,
              refusal ->
                  assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.BAD_SIGNATURE));
    }
  }

  private final Federation federation = new Federation(5, 1);
  private final SiteId victim = federation.sites.getFirst();

  private Dealing dealing() {
    return ((Collecting) federation.server).dealing();
  }

  /// The shares without those of the `left out`, in a view signed by the aggregator.
  private byte[] sharesWithout(List<SiteId> leftOut) {
    SortedMap<SiteId, SignedMessage> messages = new TreeMap<>(dealing().shares().messages());
    SortedMap<SiteId, ShareDeliveries> deliveries = new TreeMap<>(dealing().deliveries());
    leftOut.forEach(messages::remove);
    leftOut.forEach(deliveries::remove);
    ShareList shares =
        new ShareList(
            dealing().keys(),
            messages,
            Chain.h2(dealing().keys().h1(), messages.values()),
            Optional.empty());
    Dealing partial = new Dealing(shares, deliveries);
    return partial
        .view(SignedView.Kind.SHARES, partial.sharesFor(victim), federation.aggregator)
        .encode();
  }

  @Test
  void aSiteRefusesASetOfSharesBelowMinSurvivors() {
    federation.runUntil(ServerSession.State.COLLECTING);
    byte[] view = sharesWithout(federation.sites.subList(2, 4));

    assertThatThrownBy(() -> federation.session(victim).mask(view))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.QUORUM));
    assertThat(federation.vault(victim).hasInput(federation.session(victim).id())).isFalse();
  }

  @Test
  void aHeaderWithAnotherH2MakesEveryHonestVoterAbort() {
    federation.runUntil(ServerSession.State.COLLECTING);
    byte[] partial = sharesWithout(List.of(federation.sites.get(4)));
    List<SignedMessage> headers = new ArrayList<>();
    headers.add(federation.session(victim).mask(partial).header());
    for (SiteId site : federation.sites.subList(1, 5)) {
      headers.add(federation.answer(site, SignedView.Kind.SHARES));
    }
    byte[] all = headersView(headers);
    byte[] withoutTheLast = headersView(headers.subList(0, 4));

    for (SiteId voter : federation.sites.subList(0, 5)) {
      SignedMessage vote =
          federation
              .session(voter)
              .vote(voter.equals(federation.sites.get(3)) ? withoutTheLast : all);
      assertThat(Ballot.decode(vote.body().toByteArray())).isEqualTo(Ballot.ABORT);
    }
  }

  /// One header was never signed by its site; the other was, by a site that colludes, and says
  /// another H2 in its body.
  @Test
  void aForgedHeaderAndOneThatSaysAnotherH2MakeASiteAbort() {
    federation.runUntil(ServerSession.State.COLLECTING);
    List<SignedMessage> headers = new ArrayList<>();
    federation.sites.forEach(each -> headers.add(federation.answer(each, SignedView.Kind.SHARES)));
    SignedMessage honest = headers.get(4);
    Digest h2 = dealing().shares().h2();
    SignedMessage forged =
        SignedMessage.sign(
            honest.session(),
            honest.sender(),
            honest.phase(),
            h2,
            honest.body().toByteArray(),
            federation.key(victim));
    SignedMessage lying =
        federation.signed(
            honest.sender(),
            honest.phase(),
            h2,
            new InputHeader(Digest.of(new byte[] {3}), InputHeader.of(honest).chunkRoot())
                .encode());

    for (SiteId voter : federation.sites.subList(0, 2)) {
      headers.set(4, voter.equals(victim) ? forged : lying);
      SignedMessage vote = federation.session(voter).vote(headersView(headers));
      assertThat(Ballot.decode(vote.body().toByteArray())).as("%s", voter).isEqualTo(Ballot.ABORT);
    }
  }

  private byte[] headersView(List<SignedMessage> headers) {
    CborWriter content = KeyList.messagesToCbor(headers);
    return dealing().view(SignedView.Kind.HEADERS, content, federation.aggregator).encode();
  }

  @Test
  void aSecondSetOfSurvivorsMakesACommittedSiteAbortAndNeverAnswer() {
    federation.runUntil(ServerSession.State.COLLECTING);
    List<SignedMessage> headers = new ArrayList<>();
    for (SiteId site : federation.sites) {
      headers.add(federation.answer(site, SignedView.Kind.SHARES));
    }
    SiteSession session = federation.session(victim);
    byte[] first = headersView(headers);
    byte[] second = headersView(headers.subList(0, 4));

    SignedMessage commit = session.vote(first);
    assertThat(Ballot.decode(commit.body().toByteArray())).isEqualTo(Ballot.COMMIT);
    assertThat(session.vote(first)).isEqualTo(commit);
    SignedMessage abort = session.vote(second);

    assertThat(Ballot.decode(abort.body().toByteArray())).isEqualTo(Ballot.ABORT);
    assertThat(session.vote(first)).isEqualTo(abort);
  }

  @Test
  void aSecondSetOfSharesIsRefusedAndTheMaskedInputStaysTheSame() {
    federation.runUntil(ServerSession.State.COLLECTING);
    SiteSession session = federation.session(victim);
    SiteSession.MaskedInput input = session.mask(federation.view(victim));

    assertThatThrownBy(() -> session.mask(sharesWithout(List.of(federation.sites.get(4)))))
        .isInstanceOf(SessionRefusal.class);
    SiteSession.MaskedInput again = session.mask(federation.view(victim));
    assertThat(again.header()).isEqualTo(input.header());
    assertThat(again.update().digest()).isEqualTo(input.update().digest());
    assertThat(again.update().chunkRoot()).isEqualTo(InputHeader.of(input.header()).chunkRoot());
  }
}
