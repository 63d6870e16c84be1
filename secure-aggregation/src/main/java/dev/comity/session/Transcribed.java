package dev.comity.session;

import dev.comity.plan.Digest;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/// The bytes under a hash, a signature or a key derivation: labels end in a zero byte, numbers have
/// eight big-endian bytes, so that no two different sequences of the same kind give the same bytes.
final class Transcribed {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  Transcribed label(String label) {
    out.writeBytes(label.getBytes(StandardCharsets.UTF_8));
    out.write(0);
    return this;
  }

  Transcribed number(long value) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      out.write((int) (value >>> shift));
    }
    return this;
  }

  Transcribed digest(Digest digest) {
    return bytes(digest.bytes());
  }

  Transcribed bytes(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  byte[] toByteArray() {
    return out.toByteArray();
  }
}
