package dev.comity.agent.participation;

import dev.comity.accounting.PrivacyAccountant;
import dev.comity.agent.policy.Finding;
import dev.comity.agent.policy.PrivacyPolicy;
import dev.comity.agent.protection.DurableFile;
import dev.comity.agent.protection.Sessions;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.agent.protection.UpdateStore;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.ledger.PrivacyLedger;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.UpdateTerms;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// The studies and runs that the site has left, for good. Written by the operator's command, read
/// by the agent; safe for use by many threads and by both processes.
public final class Withdrawals {
  private static final String ENDING = ".withdrawal";

  private final Path folder;

  Withdrawals(SiteDirectory directory) {
    this.folder = directory.decisions();
  }

  /// What was left.
  public sealed interface From {
    boolean covers(String study, RunId run);

    /// Every run of it, also those to come.
    record Study(String name) implements From {
      @Override
      public boolean covers(String study, RunId run) {
        return name.equals(study);
      }

      @Override
      public String toString() {
        return "study " + name;
      }
    }

    /// One run.
    record Run(RunId id) implements From {
      @Override
      public boolean covers(String study, RunId run) {
        return id.equals(run);
      }

      @Override
      public String toString() {
        return "run " + id;
      }
    }
  }

  /// What a command did.
  public sealed interface Outcome {
    /// The running agent erases.
    record AgentRuns() implements Outcome {}

    /// No agent runs, and everything is erased.
    ///
    /// @param erased updates that no sum has
    /// @param inDoubt updates whose masked vector was sent, in sessions whose end is not proven:
    ///   they cannot be recalled, and may be in a sum
    /// @param summed updates that are in a sum
    record Erased(int erased, int inDoubt, int summed) implements Outcome {}
  }

  /// Leaves a study or a run for good: no later round of it is permitted, and what is stored for it
  /// is erased, here or by the agent that runs.
  ///
  /// @throws RefusedSettings when the folder is no site's
  public static Outcome withdraw(SiteDirectory directory, From from, Clock clock) {
    AgentSettings settings = AgentSettings.read(directory);
    var withdrawals = new Withdrawals(directory);
    withdrawals.add(from, clock.instant());
    Optional<FileChannel> lock = directory.tryLock();
    if (lock.isEmpty()) {
      return new Outcome.AgentRuns();
    }
    try (FileChannel _ = lock.get()) {
      SiteKeys keys = SiteKeys.load(directory.keys());
      var updates = new UpdateStore(directory.updates(), keys);
      var offers = new OfferStore(directory.offers());
      PrivacyPolicy privacy = PrivacyPolicy.defaults(); // nothing is reserved or charged here
      var ledger =
          PrivacyLedger.open(
              Storage.ofFiles(),
              directory.privacyLedger(),
              privacy.budget(),
              PrivacyAccountant.deciding(),
              clock);
      try (var sessions =
          Sessions.inDirectory(
              directory.sessions(), settings.site(), keys, updates, offers::plan, ledger, clock)) {
        Departure.Left left = new Departure(directory, withdrawals, updates, sessions).leave();
        sessions.releaseUnless(
            offers.all().stream()
                    .filter(offer ->
                        !withdrawals.covers(
                            offer.plan().terms().study(), offer.plan().terms().run()))
                    .map(Offer::terms)
                    .collect(Collectors.toSet())
                ::contains);
        return new Outcome.Erased(left.erased(), left.inDoubt(), left.summed());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "left, but what is stored could not be erased: the agent does it when it starts", e);
    }
  }

  /// Whether the site has left what these terms belong to.
  Finding finding(UpdateTerms terms) {
    return all().stream()
        .filter(from -> from.covers(terms.study(), terms.run()))
        .findFirst()
        .map(from ->
            Finding.fails("withdraw", "withdrawn: this site has left %s for good".formatted(from)))
        .orElseGet(() -> Finding.holds("withdraw", "this site has not left the study or the run"));
  }

  boolean covers(String study, RunId run) {
    return all().stream().anyMatch(from -> from.covers(study, run));
  }

  /// Leaves. Again: no effect.
  void add(From from, Instant now) {
    CborWriter out = CborWriter.map();
    switch (from) {
      case From.Study(String name) -> out.text("study", name);
      case From.Run(RunId id) -> out.text("run", id.toString());
    }
    Digest name = Digest.of(out.toBytes());
    var file = new DurableFile(folder.resolve(name.hex() + ENDING));
    if (file.read().isEmpty()) {
      file.write(out.integer("atMillis", now.toEpochMilli()).toBytes());
    }
  }

  List<From> all() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    var all = new ArrayList<From>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + ENDING)) {
      for (Path file : files) {
        new DurableFile(file)
            .read()
            .map(content -> CborReader.read(content, "Withdrawal", Withdrawals::read))
            .ifPresent(all::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
    return List.copyOf(all);
  }

  private static From read(CborReader in) {
    long _ = in.integer("atMillis");
    return in.has("study")
        ? new From.Study(in.text("study"))
        : new From.Run(RunId.parse(in.text("run")));
  }
}
