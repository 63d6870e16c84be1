package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The arrows of the session's state diagram, each visited, and none beside them.
class StateDiagramTest {
  private static final Set<String> DIAGRAM =
      Set.of(
          "ADVERTISING_KEYS --MessageReceived--> SHARING_KEYS",
          "ADVERTISING_KEYS --PhaseDeadlinePassed--> SHARING_KEYS",
          "ADVERTISING_KEYS --PhaseDeadlinePassed--> ABORTED",
          "ADVERTISING_KEYS --Cancelled--> ABORTED",
          "ADVERTISING_KEYS --MemberRevoked--> ABORTED",
          "SHARING_KEYS --MessageReceived--> COLLECTING",
          "SHARING_KEYS --PhaseDeadlinePassed--> COLLECTING",
          "SHARING_KEYS --PhaseDeadlinePassed--> ABORTED",
          "SHARING_KEYS --Cancelled--> ABORTED",
          "SHARING_KEYS --MemberRevoked--> ABORTED",
          "COLLECTING --MaskedInputStored--> VOTING",
          "COLLECTING --PhaseDeadlinePassed--> VOTING",
          "COLLECTING --PhaseDeadlinePassed--> ABORTING",
          "COLLECTING --Cancelled--> ABORTING",
          "COLLECTING --MemberRevoked--> ABORTING",
          "VOTING --MessageReceived--> UNMASKING",
          "VOTING --MessageReceived--> RELEASING",
          "RELEASING --MessageReceived--> UNMASKING",
          "VOTING --MessageReceived--> ABORTING",
          "VOTING --MessageReceived--> ABORTED",
          "VOTING --Cancelled--> ABORTING",
          "VOTING --MemberRevoked--> ABORTING",
          "UNMASKING --MessageReceived--> DONE",
          "ABORTING --MessageReceived--> ABORTED");

  @Test
  void everyArrowOfTheDiagramIsVisitedAndNoOther() {
    Set<String> visited = new TreeSet<>();

    visited.addAll(whole());
    for (SignedView.Kind phase :
        List.of(SignedView.Kind.DESCRIPTOR, SignedView.Kind.KEYS, SignedView.Kind.SHARES)) {
      visited.addAll(withoutThePowerOf(1, phase));
      visited.addAll(withoutThePowerOf(2, phase));
    }
    for (ServerSession.State state :
        List.of(
            ServerSession.State.ADVERTISING_KEYS,
            ServerSession.State.SHARING_KEYS,
            ServerSession.State.COLLECTING,
            ServerSession.State.VOTING)) {
      visited.addAll(interrupted(state, new SessionEvent.Cancelled("no longer wanted")));
      visited.addAll(interrupted(state, new SessionEvent.MemberRevoked(new SiteId("site-2"))));
    }
    visited.addAll(withAbortVotes(1));
    visited.addAll(withAbortVotes(0));
    visited.addAll(onARing());

    assertThat(visited).isEqualTo(new TreeSet<>(DIAGRAM));
  }

  private static List<String> whole() {
    Federation federation = new Federation(5, 1);
    federation.run((_, _) -> true);
    return federation.moves;
  }

  private static List<String> onARing() {
    Federation federation = new Federation(8, 1, new GraphRule(7, 120, 20, 200));
    federation.run((_, _) -> true);
    return federation.moves;
  }

  private static List<String> withoutThePowerOf(int sites, SignedView.Kind from) {
    Federation federation = new Federation(5, 1);
    federation.run((site, kind) ->
        federation.sites.indexOf(site) >= sites
            || kind.compareTo(from) < 0
            || kind == SignedView.Kind.ABORT_PROPOSAL);
    return federation.moves;
  }

  private static List<String> interrupted(ServerSession.State state, SessionEvent event) {
    Federation federation = new Federation(5, 1);
    federation.runUntil(state);
    federation.sendMoved(event);
    federation.run((_, _) -> true);
    return federation.moves;
  }

  private static List<String> withAbortVotes(int nC) {
    Federation federation = new Federation(5, nC);
    federation.runUntil(ServerSession.State.VOTING);
    for (SiteId site : federation.sites) {
      federation.send(federation.signed(site, SignedMessage.Phase.VOTE, Ballot.ABORT.body()));
    }
    return federation.moves;
  }
}
