package dev.comity.update;

import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.VectorLayout;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/// A vector on disk: `kind (8 bytes) ‖ layout length (4, big-endian) ‖ layout ‖ vector ‖ SHA-256 of
/// all before`. Readable by its owner alone.
///
/// @param kind eight ASCII characters
record UpdateFile(String kind) {
  private static final int KIND_BYTES = 8;
  private static final int HEAD_BYTES = KIND_BYTES + Integer.BYTES;
  private static final int MAX_LAYOUT_BYTES = 64 * 1024;
  private static final int STEP = 1 << 20;

  UpdateFile {
    if (kind.getBytes(StandardCharsets.US_ASCII).length != KIND_BYTES) {
      throw new IllegalArgumentException("file kind " + kind + ": must have 8 characters");
    }
  }

  /// What a file holds.
  record Content(VectorLayout layout, MemorySegment ring) {}

  void write(Path file, VectorLayout layout, MemorySegment ring) throws IOException {
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

    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException("cannot store an update at " + file + ": name a file in a folder");
    }
    Path draft = folder.resolve(file.getFileName() + ".draft"); // one that a kill left is replaced
    Files.deleteIfExists(draft);
    try {
      try (var channel =
          FileChannel.open(
              draft,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        writeFully(channel, ByteBuffer.wrap(head));
        for (long at = 0; at < ring.byteSize(); at += STEP) {
          long bytes = Math.min(STEP, ring.byteSize() - at);
          writeFully(channel, ring.asSlice(at, bytes).asByteBuffer());
        }
        writeFully(channel, ByteBuffer.wrap(sha256.finish().bytes()));
        channel.force(true);
      }
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(draft);
    }
    try (var channel = FileChannel.open(folder)) {
      channel.force(true);
    }
  }

  Content read(Path file) throws IOException {
    try (var channel = FileChannel.open(file)) {
      long size = channel.size();
      if (size < HEAD_BYTES + Digest.SIZE) {
        throw new DamagedUpdateException(file, "is torn: it has only %d bytes".formatted(size));
      }
      byte[] head = bytes(channel, 0, HEAD_BYTES);
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
      byte[] layoutBytes = bytes(channel, HEAD_BYTES, layoutLength);
      var layout = decodeLayout(file, layoutBytes);
      long begin = (long) HEAD_BYTES + layoutLength;
      long expected = begin + layout.byteLength() + Digest.SIZE;
      if (size != expected) {
        throw new DamagedUpdateException(
            file, "is torn: it has %d bytes and should have %d".formatted(size, expected));
      }

      var ring = Ring.allocate(layout);
      for (long at = 0; at < ring.byteSize(); at += STEP) {
        long bytes = Math.min(STEP, ring.byteSize() - at);
        ChunkTree.readFully(channel, ring.asSlice(at, bytes).asByteBuffer(), begin + at);
      }
      var sha256 = new SegmentDigest();
      sha256.update(head);
      sha256.update(layoutBytes);
      sha256.update(ring);
      var stored = Digest.ofValue(bytes(channel, size - Digest.SIZE, Digest.SIZE));
      if (!stored.equals(sha256.finish())) {
        throw new DamagedUpdateException(file, "was changed: its digest does not match");
      }
      return new Content(layout, ring.asReadOnly());
    }
  }

  private static VectorLayout decodeLayout(Path file, byte[] bytes) throws DamagedUpdateException {
    try {
      return PlanCodec.decodeVectorLayout(bytes);
    } catch (MalformedException e) {
      throw new DamagedUpdateException(file, "is damaged: its layout cannot be read", e);
    }
  }

  private static byte[] bytes(FileChannel channel, long position, int length) throws IOException {
    var buffer = ByteBuffer.allocate(length);
    ChunkTree.readFully(channel, buffer, position);
    return buffer.array();
  }

  private static void writeFully(FileChannel channel, ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      channel.write(source);
    }
  }
}
