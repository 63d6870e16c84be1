package dev.comity.agent.training;

import dev.comity.plan.Digest;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Checkpoints in a folder, one file per terms. A file is written beside its place, fsynced and
/// renamed, so a kill leaves the old one or the new one:
///
/// `"COMITYC1" | terms digest | examples digest | steps int64 | parameters int64 | weights float32…
/// | velocity float32… | SHA-256 of all before`, little-endian.
///
/// A file that is damaged, or of other examples, is ignored: the training starts again from the
/// base model and ends with the same bits.
public final class CheckpointStore {
  private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
  private static final byte[] MAGIC = {'C', 'O', 'M', 'I', 'T', 'Y', 'C', '1'};
  private static final int HEADER = MAGIC.length + 2 * Digest.SIZE + 2 * Long.BYTES;

  private final Path folder;
  private final Digest examples;

  CheckpointStore(Path folder, Digest examples) {
    this.folder = folder;
    this.examples = examples;
  }

  void save(Digest terms, Checkpoint checkpoint) {
    float[] weights = checkpoint.weights();
    int content = Math.addExact(HEADER, Math.multiplyExact(weights.length, 2 * Float.BYTES));
    var bytes = ByteBuffer.allocate(content + Digest.SIZE).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(MAGIC).put(terms.bytes()).put(examples.bytes());
    bytes.putLong(checkpoint.steps()).putLong(weights.length);
    bytes.asFloatBuffer().put(weights).put(checkpoint.velocity());
    bytes.position(content);
    bytes.put(Digest.of(Arrays.copyOf(bytes.array(), content)).bytes());
    try {
      Files.createDirectories(folder);
      var temporary = folder.resolve(name(terms) + ".new");
      try (var file = new FileOutputStream(temporary.toFile())) { // an interrupt cannot close it
        file.write(bytes.array());
        file.getFD().sync();
      }
      Files.move(
          temporary,
          folder.resolve(name(terms)),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
      syncFolder();
    } catch (IOException full) {
      throw new UncheckedIOException(
          "checkpoint in %s cannot be written: free space on that disk".formatted(folder), full);
    }
  }

  Optional<Checkpoint> load(Digest terms, int parameters) {
    var file = folder.resolve(name(terms));
    try {
      var checkpoint = decode(Files.readAllBytes(file), terms, parameters);
      if (checkpoint.isEmpty()) {
        LOG.atWarn().addKeyValue("file", file).log("Checkpoint ignored: damaged or of other data");
      }
      return checkpoint;
    } catch (NoSuchFileException none) {
      return Optional.empty();
    } catch (IOException unreadable) {
      throw new UncheckedIOException("checkpoint " + file + " cannot be read", unreadable);
    }
  }

  void discard(Digest terms) {
    discard(folder, terms);
  }

  /// Deletes the checkpoint of these terms in `folder`, if there is one.
  public static void discard(Path folder, Digest terms) {
    try {
      Files.deleteIfExists(folder.resolve(name(terms)));
      Files.deleteIfExists(folder.resolve(name(terms) + ".new"));
    } catch (IOException refused) {
      throw new UncheckedIOException("checkpoint in " + folder + " cannot be deleted", refused);
    }
  }

  private Optional<Checkpoint> decode(byte[] file, Digest terms, int parameters) {
    long content = HEADER + 2L * Float.BYTES * parameters;
    if (file.length != content + Digest.SIZE) {
      return Optional.empty();
    }
    var bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    var digest = Digest.of(Arrays.copyOf(file, (int) content));
    var expected = ByteBuffer.allocate(HEADER - 2 * Long.BYTES);
    expected.put(MAGIC).put(terms.bytes()).put(examples.bytes());
    boolean intact =
        digest.equals(Digest.ofValue(Arrays.copyOfRange(file, (int) content, file.length)))
            && Arrays.equals(expected.array(), Arrays.copyOf(file, expected.capacity()))
            && bytes.getLong(expected.capacity() + Long.BYTES) == parameters;
    if (!intact) {
      return Optional.empty();
    }
    var weights = new float[parameters];
    var velocity = new float[parameters];
    bytes
        .slice(HEADER, 2 * Float.BYTES * parameters)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(weights)
        .get(velocity);
    return Optional.of(new Checkpoint(bytes.getLong(expected.capacity()), weights, velocity));
  }

  /// Makes the rename itself durable.
  private void syncFolder() throws IOException {
    try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (ClosedByInterruptException interrupted) {
      // The thread stays interrupted. If the power fails now, the checkpoint before this one
      // counts.
      LOG.atDebug().addKeyValue("folder", folder).log("Checkpoint rename not fsynced: interrupted");
    }
  }

  private static String name(Digest terms) {
    return terms.hex() + ".checkpoint";
  }
}
