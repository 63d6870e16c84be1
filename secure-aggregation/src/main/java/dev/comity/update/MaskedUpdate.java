package dev.comity.update;

import dev.comity.plan.Digest;
import dev.comity.plan.VectorLayout;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/// The vector `y` that a site sends: ring elements of the layout's width, packed, little-endian, in
/// the order of the layout. Without the keys of its masks it cannot be told from random bytes.
public final class MaskedUpdate {
  /// Bytes of every chunk but the last.
  public static final int CHUNK_BYTES = ChunkTree.CHUNK_BYTES;

  private static final UpdateFile FILE = new UpdateFile("comity-y");

  private final VectorLayout layout;
  private final MemorySegment ring;

  MaskedUpdate(VectorLayout layout, MemorySegment ring) {
    this.layout = layout;
    this.ring = ring;
  }

  /// Reads what [#store] wrote, byte for byte.
  ///
  /// @throws DamagedUpdateException when the file is torn, changed or something else
  public static MaskedUpdate load(Path file) throws IOException {
    return load(Storage.ofFiles(), file);
  }

  /// As `load` from the file system.
  public static MaskedUpdate load(Storage storage, Path file) throws IOException {
    var content = FILE.read(storage, file);
    return new MaskedUpdate(content.layout(), content.ring());
  }

  /// The chunk root of a file that holds nothing but the bytes of a vector, as a receiver spools
  /// them.
  public static Digest chunkRootOf(Path vector) throws IOException {
    return ChunkTree.rootOf(vector);
  }

  /// Writes this vector so that after a crash `file` holds all of it or what it held before.
  public void store(Path file) throws IOException {
    store(Storage.ofFiles(), file);
  }

  /// As `store` on the file system.
  public void store(Storage storage, Path file) throws IOException {
    FILE.write(storage, file, layout, ring);
  }

  public VectorLayout layout() {
    return layout;
  }

  /// Bytes of the vector: what travels.
  public long byteLength() {
    return ring.byteSize();
  }

  /// At most `limit` bytes of the vector from byte `offset` on, without copying; empty at the end.
  ///
  /// @throws IllegalArgumentException when `offset` is outside the vector or `limit` is not above 0
  public ByteBuffer bytes(long offset, int limit) {
    if (offset < 0 || offset > byteLength()) {
      throw new IllegalArgumentException(
          "offset %d: the vector has %d bytes".formatted(offset, byteLength()));
    }
    if (limit <= 0) {
      throw new IllegalArgumentException("limit " + limit + ": must be > 0");
    }
    return ring.asSlice(offset, Math.min(limit, byteLength() - offset)).asByteBuffer();
  }

  /// SHA-256 of the bytes of the vector.
  public Digest digest() {
    var sha256 = new SegmentDigest();
    sha256.update(ring);
    return sha256.finish();
  }

  /// The Merkle root over chunks of [#CHUNK_BYTES] that the site signs before it uploads: leaf
  /// `SHA-256(0 ‖ SHA-256(chunk))`, node `SHA-256(1 ‖ left ‖ right)` in the shape of RFC 9162 §2.1,
  /// root `SHA-256(2 ‖ bytes of the vector as 64 bits, big-endian ‖ top)`.
  public Digest chunkRoot() {
    return ChunkTree.rootOf(ring);
  }

  MemorySegment ring() {
    return ring;
  }
}
