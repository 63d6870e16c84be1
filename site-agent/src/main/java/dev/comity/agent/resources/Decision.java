package dev.comity.agent.resources;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// What the site's resources allow training now.
public sealed interface Decision {

  /// The rules that hold and bring this decision about, in the order of the site's file.
  List<Reason> reasons();

  /// When a milder decision is expected, where every reason's signal foretells it.
  Optional<Instant> nextWindow();

  /// Whether the next batch may begin.
  boolean open();

  /// A rule that holds, by its name in the site's file. No reading is in it.
  record Reason(String rule, Cause cause) {}

  /// Train.
  record Run() implements Decision {
    @Override
    public List<Reason> reasons() {
      return List.of();
    }

    @Override
    public Optional<Instant> nextWindow() {
      return Optional.empty();
    }

    @Override
    public boolean open() {
      return true;
    }
  }

  /// Train for a share of the time and rest between batches for the remainder.
  ///
  /// @param dutyCycle the share, in (0, 1)
  record Throttle(double dutyCycle, List<Reason> reasons, Optional<Instant> nextWindow)
      implements Decision {
    public Throttle {
      reasons = List.copyOf(reasons);
    }

    @Override
    public boolean open() {
      return true;
    }
  }

  /// Begin no further batch; the process stays and goes on with its sessions.
  record Pause(List<Reason> reasons, Optional<Instant> nextWindow) implements Decision {
    public Pause {
      reasons = List.copyOf(reasons);
    }

    @Override
    public boolean open() {
      return false;
    }
  }

  /// Save the training and end the process, so that whoever started it gets its memory back.
  record Drain(List<Reason> reasons, Optional<Instant> nextWindow) implements Decision {
    public Drain {
      reasons = List.copyOf(reasons);
    }

    @Override
    public boolean open() {
      return false;
    }
  }
}
