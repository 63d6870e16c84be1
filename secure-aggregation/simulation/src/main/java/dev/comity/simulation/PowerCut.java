package dev.comity.simulation;

/// The process ends here. Caught only by what runs the machine.
final class PowerCut extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// How a process ends.
  enum Kind {
    /// The process alone: the machine still holds what was written and not synced.
    KILLED,
    /// The machine: what was not synced may be gone, in any order.
    POWER
  }

  private final Kind kind;

  PowerCut(Kind kind, String where) {
    super(where);
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }
}
