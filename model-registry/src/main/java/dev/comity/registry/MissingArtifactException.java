package dev.comity.registry;

import dev.comity.plan.Digest;

/// An artifact that the store does not hold.
public final class MissingArtifactException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MissingArtifactException(Digest digest) {
    super("artifact " + digest.hex() + " is not in the store");
  }
}
