package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Sites that go away before a phase, and come back in the end.
class DropOutTest {
  private static final List<SignedView.Kind> PHASES =
      List.of(
          SignedView.Kind.DESCRIPTOR,
          SignedView.Kind.KEYS,
          SignedView.Kind.SHARES,
          SignedView.Kind.HEADERS,
          SignedView.Kind.CERTIFICATE);

  @Test
  void withoutDropOutsTheMaskedSumIsThePlainSum() {
    Federation federation = new Federation(5, 1);

    federation.run((_, _) -> true);

    assertSummed(federation);
    assertThat(federation.server.survivors()).isEqualTo(federation.sites);
  }

  @Test
  void theStoredEventsFoldToTheSameStateAndTheSameBytes() {
    Federation federation = new Federation(4, 1);
    federation.runUntil(ServerSession.State.UNMASKING);
    SiteId site = federation.sites.getFirst();

    ServerSession folded =
        ServerSession.fold(
            federation.server.descriptor(), federation.membership, federation.events);

    assertThat(folded.state()).isEqualTo(ServerSession.State.UNMASKING);
    assertThat(folded.owed()).isEqualTo(federation.server.owed());
    assertThat(folded.viewFor(site, federation.aggregator))
        .isEqualTo(federation.server.viewFor(site, federation.aggregator));
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

  /// One site, or two, gone before any phase each.
  private static Stream<Map<Integer, SignedView.Kind>> patterns() {
    List<Map<Integer, SignedView.Kind>> patterns = new ArrayList<>();
    for (SignedView.Kind first : PHASES) {
      for (int site = 0; site < 5; site++) {
        patterns.add(Map.of(site, first));
      }
      for (SignedView.Kind second : PHASES) {
        patterns.add(Map.of(0, first, 3, second));
      }
    }
    return patterns.stream();
  }

  private static ServerSession.State endOf(Map<Integer, SignedView.Kind> goneAt) {
    Federation federation = new Federation(5, 1);
    Map<SiteId, SignedView.Kind> gone = new HashMap<>();
    goneAt.forEach((index, kind) -> gone.put(federation.sites.get(index), kind));

    federation.run((site, kind) -> {
      SignedView.Kind from = gone.get(site);
      return from == null || kind.compareTo(from) < 0;
    });
    federation.run((site, _) -> federation.sessions.containsKey(site)); // the power is back

    switch (federation.server.state()) {
      case DONE -> assertSummed(federation);
      case ABORTED -> assertAborted(federation);
      case ADVERTISING_KEYS, SHARING_KEYS, COLLECTING, VOTING, UNMASKING, ABORTING ->
          throw new AssertionError(goneAt + " ended in " + federation.server.state());
    }
    return federation.server.state();
  }

  private static void assertSummed(Federation federation) {
    assertThat(federation.server.verdict().orElseThrow())
        .isEqualTo(new ServerSession.Verdict.Summed(federation.server.survivors()));
    assertThat(federation.maskedSum().encode())
        .isEqualTo(federation.plainSum(federation.server.survivors()).encode());
    byte[] certificate = federation.server.certificate().orElseThrow().encode();
    for (SiteId site : federation.sessions.keySet()) {
      boolean survived = federation.server.survivors().contains(site);
      boolean sent = federation.spool.containsKey(site);
      if (sent) {
        Standing.settle(
            federation.vault(site), PrivacyBook.none(), federation.session(site).id(), certificate);
        assertThat(federation.standing(site)).isEqualTo(survived ? Standing.SPENT : Standing.FREE);
      }
    }
  }

  private static void assertAborted(Federation federation) {
    boolean sent = !federation.spool.isEmpty();
    assertThat(federation.server.certificate().isPresent() || !sent).isTrue();
    for (SiteId site : federation.sessions.keySet()) {
      if (federation.spool.containsKey(site)) {
        Standing.settle(
            federation.vault(site),
            PrivacyBook.none(),
            federation.session(site).id(),
            federation.server.certificate().orElseThrow().encode());
      } else {
        federation.session(site).leave();
      }
      assertThat(federation.standing(site)).isEqualTo(Standing.FREE);
    }
  }
}
