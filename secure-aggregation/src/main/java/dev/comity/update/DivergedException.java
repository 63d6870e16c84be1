package dev.comity.update;

/// Training left the finite numbers, so there is no update to send. The message names the kind of
/// value and never the value or its place: both come from the site's data.
public final class DivergedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DivergedException(String what) {
    super(what + " is not finite: training diverged; lower the learning rate of the run");
  }
}
