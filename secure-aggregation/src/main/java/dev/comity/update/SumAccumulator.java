package dev.comity.update;

import dev.comity.plan.VectorLayout;
import dev.comity.vector.Vectors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/// Adds masked vectors and takes off the masks that do not cancel: the self masks of the survivors
/// and the pairwise masks between survivors and sites that dropped out.
///
/// Exact, in any order. Memory is one vector and one tile a thread, however many sites there are.
/// Owned by one thread at a time; the work inside is spread over at most `parallelism` threads,
/// tile by tile. An operation that fails half-way leaves a sum of no meaning, and every later one
/// is refused.
public final class SumAccumulator {
  private final VectorLayout layout;
  private final int parallelism;
  private final MemorySegment ring;
  private boolean spoilt;

  /// A sum of nothing.
  ///
  /// @param parallelism threads at most, ≥ 1
  public SumAccumulator(VectorLayout layout, int parallelism) {
    if (parallelism < 1) {
      throw new IllegalArgumentException("parallelism " + parallelism + ": must be >= 1");
    }
    this.layout = layout;
    this.parallelism = parallelism;
    this.ring = Ring.allocate(layout);
  }

  /// Adds the vector of a survivor.
  ///
  /// @throws IllegalArgumentException when it has another layout
  public void add(MaskedUpdate update) {
    if (!update.layout().equals(layout)) {
      throw new IllegalArgumentException("masked vector of another layout than the sum's");
    }
    overTiles(() ->
        (tile, at) ->
            Vectors.addModular(layout.bits(), tile, update.ring().asSlice(at, tile.byteSize())));
  }

  /// Adds the vector of a survivor from a file that holds its bytes and nothing else.
  ///
  /// @throws IllegalArgumentException when the file has another length than the layout
  public void add(Path vector) throws IOException {
    try (var channel = FileChannel.open(vector)) {
      if (channel.size() != ring.byteSize()) {
        throw new IllegalArgumentException(
            "masked vector of %d bytes: the layout has %d"
                .formatted(channel.size(), ring.byteSize()));
      }
      overTiles(() -> fileReader(channel, layout.bits()));
    } catch (UncheckedIOException e) {
      throw new IOException("cannot read the masked vector " + vector, e);
    }
  }

  /// Takes masks off the sum, each given as the surviving site applied it. Their keys are not kept.
  public void remove(Collection<Mask> masks) {
    List<Mask> inverses = masks.stream().map(Mask::inverse).toList();
    overTiles(() -> {
      var streams = new MaskStreams(layout.bits());
      return (tile, at) -> streams.apply(inverses, tile, at);
    });
  }

  /// Checks and reads the sum once every mask is off.
  ///
  /// @param survivors how many sites the certificate names
  /// @throws RejectedSum with the check that failed
  public AggregateUpdate decode(int survivors) {
    requireWhole();
    return AggregateUpdate.decode(layout, ring, survivors);
  }

  /// What one thread does to a tile that lies at a byte of the vector.
  private interface TileWork {
    void on(MemorySegment tile, long offset);
  }

  private static TileWork fileReader(FileChannel channel, int bits) {
    var buffer = ByteBuffer.allocateDirect(MaskStreams.tile(bits));
    return (tile, at) -> {
      buffer.clear().limit((int) tile.byteSize());
      try {
        ChunkTree.readFully(channel, buffer, at);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      Vectors.addModular(bits, tile, MemorySegment.ofBuffer(buffer));
    };
  }

  private void overTiles(Supplier<TileWork> perThread) {
    requireWhole();
    spoilt = true;
    long tiles = Math.ceilDiv(ring.byteSize(), MaskStreams.tile(layout.bits()));
    int threads = (int) Math.min(parallelism, tiles);
    var next = new AtomicLong();
    if (threads == 1) {
      drain(next, tiles, perThread.get());
    } else {
      runInParallel(threads, () -> drain(next, tiles, perThread.get()));
    }
    spoilt = false;
  }

  private void drain(AtomicLong next, long tiles, TileWork work) {
    long size = MaskStreams.tile(layout.bits());
    for (long tile = next.getAndIncrement(); tile < tiles; tile = next.getAndIncrement()) {
      long at = tile * size;
      work.on(ring.asSlice(at, Math.min(size, ring.byteSize() - at)), at);
    }
  }

  private static void runInParallel(int threads, Runnable work) {
    try (var pool = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        running.add(pool.submit(work));
      }
      for (var each : running) {
        each.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted: the sum was given up", e);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException refused -> throw refused;
        case Throwable cause -> throw new IllegalStateException("a tile of the sum failed", cause);
        case null -> throw new IllegalStateException("a tile of the sum failed", e);
      }
    }
  }

  private void requireWhole() {
    if (spoilt) {
      throw new IllegalStateException("an earlier operation failed: begin a new sum");
    }
  }
}
