package dev.comity.agent.protection;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.UpdateTerms;
import dev.comity.update.LocalUpdate;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import dev.comity.update.TrainingKey;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// The encoded updates of a site, on its own disk until a session sums them. There is one for each
/// (run, kind, base version), ever: what is stored is offered again, never made anew, and the terms
/// of what was erased stay, so that nothing takes its place. The version counts and not the digest
/// of its document: whoever publishes a second document about the same weights would be given the
/// same update for a second sum.
///
/// Thread-safe.
public final class UpdateStore {
  private final Path folder;
  private final SiteKeys keys;

  /// @param folder made when it is missing
  public UpdateStore(Path folder, SiteKeys keys) {
    this.folder = folder;
    this.keys = keys;
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make the folder " + folder, e);
    }
  }

  /// The key of the samples and the noise of the update that these terms ask for.
  ///
  /// @param base the parameters of the base model, in layout order
  public TrainingKey trainingKey(UpdateTerms terms, float[] base) {
    return TrainingKey.derive(keys.siteSecret(), terms, base);
  }

  /// Clips, encodes and stores an update by its terms. Returns once it is on disk; a stored update
  /// of the same run, kind and base version stays as it is.
  ///
  /// @param base the parameters of the base model, in layout order
  /// @param partial whether it is of part of the work
  /// @throws IllegalArgumentException when the update does not fit the terms
  /// @throws IllegalStateException when there was one and it was erased
  public synchronized void protect(
      UpdateTerms terms, float[] base, LocalUpdate update, boolean partial) {
    if (storedTerms(terms).isPresent()) {
      return;
    }
    if (isErased(terms)) {
      throw new IllegalStateException(
          "an update of run %s from version %d was stored and erased; there is one for each version, wait for the next"
              .formatted(terms.run(), terms.baseVersion()));
    }
    NoisedUpdate stored =
        update
            .clip(terms.clipNorm())
            .encode(
                terms.vector(),
                RoundingKey.derive(
                    keys.siteSecret(), terms.run(), terms.kind(), terms.baseVersion(), base))
            .noise(terms.noise());
    try {
      stored.store(updateFile(name(terms)));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot store the update in %s: check that the disk has room".formatted(folder), e);
    }
    // Last: an update without terms was offered to nobody and may be replaced, terms without an
    // update say that it was erased.
    var kept =
        CborWriter.map()
            .bytes("terms", terms.digest().bytes())
            .integer("baseVersion", terms.baseVersion());
    termsFile(name(terms)).write((partial ? kept.bool("partial", true) : kept).toBytes());
  }

  /// The digest of the terms under which an update of the same run, kind and base version is
  /// stored.
  public synchronized Optional<Digest> storedTerms(UpdateTerms terms) {
    return Files.exists(updateFile(name(terms)))
        ? termsFile(name(terms)).read().map(content -> read(content).terms())
        : Optional.empty();
  }

  /// Whether the stored update of the same run, kind and base version is of part of the work.
  public synchronized boolean isPartial(UpdateTerms terms) {
    return termsFile(name(terms)).read().map(content -> read(content).partial()).orElse(false);
  }

  /// Whether an update of the same run, kind and base version was stored and erased.
  public synchronized boolean isErased(UpdateTerms terms) {
    return Files.exists(termsFile(name(terms)).path()) && !Files.exists(updateFile(name(terms)));
  }

  /// The update stored under exactly these terms.
  synchronized Optional<NoisedUpdate> load(UpdateTerms terms) {
    if (!storedTerms(terms).equals(Optional.of(terms.digest()))) {
      return Optional.empty();
    }
    try {
      return Optional.of(NoisedUpdate.load(updateFile(name(terms))));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the stored update in " + folder, e);
    }
  }

  /// Erases the update of these terms' run, kind and base version, for good.
  public synchronized void erase(UpdateTerms terms) {
    erase(name(terms));
  }

  /// Erases the updates of `run` whose base is older than `version`: nothing can sum them any more.
  public synchronized void eraseOlder(RunId run, int version) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, run + "_*.terms")) {
      for (Path file : files) {
        Optional<byte[]> content = new DurableFile(file).read();
        if (content.isPresent() && read(content.get()).baseVersion() < version) {
          String name = file.getFileName().toString();
          erase(name.substring(0, name.length() - ".terms".length()));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
  }

  /// Erases every update of `run`, for good.
  public synchronized void eraseAll(RunId run) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, run + "_*.z")) {
      for (Path file : files) {
        new DurableFile(file).erase();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
  }

  private void erase(String name) {
    new DurableFile(updateFile(name)).erase();
  }

  private record Stored(Digest terms, int baseVersion, boolean partial) {}

  private static Stored read(byte[] content) {
    return CborReader.read(
        content,
        "StoredUpdate",
        in ->
            new Stored(
                Digest.ofValue(in.bytes("terms", Digest.SIZE)),
                in.int32("baseVersion"),
                in.has("partial") && in.bool("partial")));
  }

  private static String name(UpdateTerms terms) {
    return "%s_%s_%d".formatted(terms.run(), terms.kind(), terms.baseVersion());
  }

  private Path updateFile(String name) {
    return folder.resolve(name + ".z");
  }

  private DurableFile termsFile(String name) {
    return new DurableFile(folder.resolve(name + ".terms"));
  }
}
