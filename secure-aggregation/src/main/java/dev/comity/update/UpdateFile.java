package dev.comity.update;

import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.VectorLayout;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/// A vector on disk: `kind (8 bytes) ‖ layout length (4, big-endian) ‖ layout ‖ vector ‖ SHA-256 of
/// all before`.
///
/// @param kind eight ASCII characters
record UpdateFile(String kind) {
  private static final int KIND_BYTES = 8;
  private static final int HEAD_BYTES = KIND_BYTES + Integer.BYTES;
  private static final int MAX_LAYOUT_BYTES = 64 * 1024;

  UpdateFile {
    if (kind.getBytes(StandardCharsets.US_ASCII).length != KIND_BYTES) {
      throw new IllegalArgumentException("file kind " + kind + ": must have 8 characters");
    }
  }

  /// What a file holds.
  record Content(VectorLayout layout, MemorySegment ring) {}

  void write(Storage storage, Path file, VectorLayout layout, MemorySegment ring)
      throws IOException {
    byte[] layoutBytes = PlanCodec.encode(layout);
    byte[] head =
        ByteBuffer.allocate(HEAD_BYTES + layoutBytes.length)
            .put(kind.getBytes(StandardCharsets.US_ASCII))
            .putInt(layoutBytes.length)
            .put(layoutBytes)
            .array();
    var sha256 = new SegmentDigest();
    sha256.update(head);
    sha256.update(ring);
    storage.write(
        file,
        List.of(MemorySegment.ofArray(head), ring, MemorySegment.ofArray(sha256.finish().bytes())));
  }

  Content read(Storage storage, Path file) throws IOException {
    var content = storage.load(file);
    long size = content.byteSize();
    if (size < HEAD_BYTES + Digest.SIZE) {
      throw new DamagedUpdateException(file, "is torn: it has only %d bytes".formatted(size));
    }
    byte[] head = bytes(content, 0, HEAD_BYTES);
    var fields = ByteBuffer.wrap(head);
    byte[] foundKind = new byte[KIND_BYTES];
    fields.get(foundKind);
    if (!kind.equals(new String(foundKind, StandardCharsets.US_ASCII))) {
      throw new DamagedUpdateException(file, "is not of the kind " + kind);
    }
    int layoutLength = fields.getInt();
    if (layoutLength < 1
        || layoutLength > MAX_LAYOUT_BYTES
        || layoutLength > size - HEAD_BYTES - Digest.SIZE) {
      throw new DamagedUpdateException(
          file, "is damaged: its layout cannot have %d bytes".formatted(layoutLength));
    }
    byte[] layoutBytes = bytes(content, HEAD_BYTES, layoutLength);
    var layout = decodeLayout(file, layoutBytes);
    long begin = (long) HEAD_BYTES + layoutLength;
    long expected = begin + layout.byteLength() + Digest.SIZE;
    if (size != expected) {
      throw new DamagedUpdateException(
          file, "is torn: it has %d bytes and should have %d".formatted(size, expected));
    }

    var ring = Ring.allocate(layout).copyFrom(content.asSlice(begin, layout.byteLength()));
    var sha256 = new SegmentDigest();
    sha256.update(head);
    sha256.update(layoutBytes);
    sha256.update(ring);
    var stored = Digest.ofValue(bytes(content, size - Digest.SIZE, Digest.SIZE));
    if (!stored.equals(sha256.finish())) {
      throw new DamagedUpdateException(file, "was changed: its digest does not match");
    }
    return new Content(layout, ring.asReadOnly());
  }

  private static VectorLayout decodeLayout(Path file, byte[] bytes) throws DamagedUpdateException {
    try {
      return PlanCodec.decodeVectorLayout(bytes);
    } catch (MalformedException e) {
      throw new DamagedUpdateException(file, "is damaged: its layout cannot be read", e);
    }
  }

  private static byte[] bytes(MemorySegment content, long position, int length) {
    return content.asSlice(position, length).toArray(ValueLayout.JAVA_BYTE);
  }
}
