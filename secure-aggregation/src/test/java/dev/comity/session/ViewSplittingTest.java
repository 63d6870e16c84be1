package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.CborWriter;
import dev.comity.plan.Quorum;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
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
