package dev.comity.update;

import dev.comity.plan.Digest;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// SHA-256 over segments of any length. Owned by one thread; [#finish] makes it ready for reuse.
final class SegmentDigest {
  private static final long STEP = 1 << 20;

  private final MessageDigest sha256;

  SegmentDigest() {
    try {
      sha256 = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256: use a complete JDK 25", e);
    }
  }

  void update(MemorySegment segment) {
    for (long at = 0; at < segment.byteSize(); at += STEP) {
      long bytes = Math.min(STEP, segment.byteSize() - at);
      sha256.update(segment.asSlice(at, bytes).asByteBuffer());
    }
  }

  void update(byte[] bytes) {
    sha256.update(bytes);
  }

  Digest finish() {
    return Digest.ofValue(sha256.digest());
  }
}
