package dev.comity.round.postgres;

import dev.comity.plan.Digest;
import dev.comity.round.RoundState.SessionStage;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A session as its row has it; what it knows beyond that follows from its stored events.
record SessionRow(
    Digest id,
    long round,
    int attempt,
    ServerSession.State state,
    SessionDescriptor descriptor,
    @Nullable Instant deadline,
    @Nullable Instant hardDeadline,
    @Nullable Digest certificate) {

  boolean live() {
    return switch (state) {
      case DONE, ABORTED -> false;
      case ADVERTISING_KEYS, SHARING_KEYS, COLLECTING, VOTING, RELEASING, UNMASKING, ABORTING ->
          true;
    };
  }

  SessionStage stage() {
    return switch (state) {
      case ADVERTISING_KEYS, SHARING_KEYS -> SessionStage.OPEN;
      case COLLECTING, VOTING, ABORTING -> SessionStage.EXPOSED;
      case RELEASING, UNMASKING, DONE -> SessionStage.CERTIFIED;
      case ABORTED -> SessionStage.NONE;
    };
  }
}
