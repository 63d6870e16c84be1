package dev.comity.round.postgres;

import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A round as its row has it. `silenceDeadline` is live; `hardDeadline` is not.
record RoundRow(
    long id,
    RunId run,
    int number,
    String phase,
    @Nullable String reason,
    RoundPlan plan,
    Digest planDigest,
    @Nullable Instant silenceDeadline,
    Instant hardDeadline,
    @Nullable Digest sum) {

  boolean live() {
    return !phase.equals("COMMITTED") && !phase.equals("ABANDONED");
  }
}
