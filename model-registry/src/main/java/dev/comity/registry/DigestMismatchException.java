package dev.comity.registry;

import dev.comity.plan.Digest;

/// Content that is not what its name promises.
public final class DigestMismatchException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DigestMismatchException(Digest expected, Digest found) {
    super(
        "artifact %s: the content has digest %s; fetch it again"
            .formatted(expected.hex(), found.hex()));
  }
}
