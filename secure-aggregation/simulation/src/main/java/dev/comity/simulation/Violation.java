package dev.comity.simulation;

/// Something happened that must never happen.
final class Violation extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// What is promised, in the order of the reports.
  enum Invariant {
    /// Never T shares of both secrets of one honest site in the adversary's hands.
    ONE_SECRET_A_SITE,
    /// Never a sum of fewer than minHonest honest updates in the adversary's hands.
    NO_SMALL_SUM,
    /// Never two certified sets of survivors in one session.
    ONE_CERTIFICATE,
    /// Never a result beside a certificate to abort.
    NO_RESULT_BESIDE_ABORT,
    /// A released sum is the plain sum of its certified set.
    SUM_OF_THE_CERTIFIED,
    /// Never one update in two released sums.
    ONE_RELEASE,
    /// Never a masked vector without its charge on record, nor a charge that no session explains.
    CHARGED_ON_RECORD,
    /// What is sent again is what was sent.
    IDENTICAL_BYTES,
    /// When faults stop, every session ends and every update is settled.
    ENDS,
    /// No site or aggregator fails in a way that the protocol does not name.
    NO_SURPRISE
  }

  private final Invariant invariant;

  Violation(Invariant invariant, String what) {
    super(invariant + ": " + what);
    this.invariant = invariant;
  }

  Violation(Invariant invariant, String what, Throwable cause) {
    super(invariant + ": " + what, cause);
    this.invariant = invariant;
  }

  Invariant invariant() {
    return invariant;
  }
}
