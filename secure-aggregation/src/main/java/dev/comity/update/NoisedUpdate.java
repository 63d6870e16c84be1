package dev.comity.update;

import dev.comity.plan.VectorLayout;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/// The update `z` that a site keeps on its own disk until a session sums it; the one state of an
/// update that survives a restart before masking. The only way on is [#mask].
public final class NoisedUpdate {
  private static final UpdateFile FILE = new UpdateFile("comity-z");

  private final VectorLayout layout;
  private final MemorySegment ring;

  NoisedUpdate(VectorLayout layout, MemorySegment ring) {
    this.layout = layout;
    this.ring = ring;
  }

  /// Reads what [#store] wrote, byte for byte.
  ///
  /// @throws DamagedUpdateException when the file is torn, changed or something else
  public static NoisedUpdate load(Path file) throws IOException {
    return load(Storage.ofFiles(), file);
  }

  /// As `load` from the file system.
  public static NoisedUpdate load(Storage storage, Path file) throws IOException {
    var content = FILE.read(storage, file);
    return new NoisedUpdate(content.layout(), content.ring());
  }

  public VectorLayout layout() {
    return layout;
  }

  /// Writes this update so that after a crash `file` holds all of it or what it held before: a
  /// temporary file, fsync, atomic rename, fsync of the folder.
  public void store(Path file) throws IOException {
    store(Storage.ofFiles(), file);
  }

  /// As `store` on the file system.
  public void store(Storage storage, Path file) throws IOException {
    FILE.write(storage, file, layout, ring);
  }

  /// `y = z ± masks mod 2^bits`.
  ///
  /// @throws IllegalArgumentException when there is no mask, or one key comes twice: the result
  ///   would be, or could cancel down to, the update in clear
  public MaskedUpdate mask(List<Mask> masks) {
    if (masks.isEmpty()) {
      throw new IllegalArgumentException("no masks: an update must not leave its site unmasked");
    }
    if (masks.stream().map(Mask::key).distinct().count() != masks.size()) {
      throw new IllegalArgumentException("a mask key is used twice: every mask needs its own");
    }
    var masked = Ring.allocate(layout).copyFrom(ring);
    var streams = new MaskStreams(layout.bits());
    int tile = MaskStreams.tile(layout.bits());
    for (long at = 0; at < masked.byteSize(); at += tile) {
      long bytes = Math.min(tile, masked.byteSize() - at);
      streams.apply(masks, masked.asSlice(at, bytes), at);
    }
    return new MaskedUpdate(layout, masked.asReadOnly());
  }

  MemorySegment ring() {
    return ring;
  }
}
