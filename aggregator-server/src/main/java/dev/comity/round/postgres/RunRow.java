package dev.comity.round.postgres;

import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.run.RunState;

/// A run as its locked row has it. `template` is the plan of round 1; `modelVersion` names the
/// newest version.
record RunRow(RunId id, String name, RunState state, RoundPlan template, Digest modelVersion) {

  boolean running() {
    return state instanceof RunState.Running;
  }
}
