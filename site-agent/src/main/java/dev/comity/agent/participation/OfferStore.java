package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// The offers of rounds that have not ended, on disk so that a new process goes on with them.
/// Thread-safe.
final class OfferStore {
  private final Path folder;
  private final Map<Digest, Offer> open = new ConcurrentHashMap<>();
  private final Set<Digest> permitted = ConcurrentHashMap.newKeySet();

  OfferStore(Path folder) {
    this.folder = folder;
    try {
      Files.createDirectories(folder);
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.offer")) {
        for (Path file : files) {
          new DurableFile(file)
              .read()
              .map(Offer::decode)
              .ifPresent(offer -> open.put(offer.digest(), offer));
        }
      }
      open.keySet().stream()
          .filter(digest -> Files.exists(permit(digest).path()))
          .forEach(permitted::add);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
  }

  /// Keeps `offer`. Again: no effect.
  void keep(Offer offer) {
    if (!open.containsKey(offer.digest())) {
      file(offer.digest()).write(offer.encode());
      open.put(offer.digest(), offer);
    }
  }

  Optional<Offer> offer(Digest digest) {
    return Optional.ofNullable(open.get(digest));
  }

  Optional<RoundPlan> plan(Digest digest) {
    return offer(digest).map(Offer::plan);
  }

  /// Keeps that this site takes part under the plan of `offer`: a session is entered under such a
  /// plan alone.
  void permit(Offer offer) {
    if (permitted.add(offer.digest())) {
      permit(offer.digest()).write(new byte[0]);
    }
  }

  /// Keeps that this site refuses the plan of `offer`.
  void refuse(Offer offer) {
    permit(offer.digest()).erase();
    permitted.remove(offer.digest());
  }

  /// A plan that this site permitted.
  Optional<RoundPlan> permittedPlan(Digest digest) {
    return permitted.contains(digest) ? plan(digest) : Optional.empty();
  }

  /// Oldest rounds first.
  List<Offer> all() {
    return open.values().stream()
        .sorted(Comparator.comparingInt(offer -> offer.plan().round()))
        .toList();
  }

  /// The newest offer of `run`.
  Optional<Offer> newest(RunId run) {
    return open.values().stream()
        .filter(offer -> offer.plan().terms().run().equals(run))
        .max(Comparator.comparingInt(offer -> offer.plan().round()));
  }

  /// The offers of this round and of those before it in the run.
  List<Offer> upTo(RunId run, int round) {
    return open.values().stream()
        .filter(offer -> offer.plan().terms().run().equals(run) && offer.plan().round() <= round)
        .toList();
  }

  void forget(Offer offer) {
    open.remove(offer.digest());
    refuse(offer);
    file(offer.digest()).erase();
  }

  private DurableFile permit(Digest digest) {
    return new DurableFile(folder.resolve(digest.hex() + ".permit"));
  }

  private DurableFile file(Digest digest) {
    return new DurableFile(folder.resolve(digest.hex() + ".offer"));
  }
}
