package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.LocalWork;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Runs that an officer of the site must approve, and what the officer decided. An approval is
/// given once for a run and not for each round: its subject is what a plan says of run, study,
/// purpose, model, data contract, privacy, n_C and honest sites. A plan that differs in one of
/// these asks again. The kind of a round and the size of its cohort are the policy's matter.
///
/// The agent writes what waits, an officer's command what was decided, each in a folder of its own;
/// both outlive a power cut. Safe for use by many threads and by both processes.
public final class Approvals {
  private static final int MOST_BYTES = 64 << 20;
  private static final String WAITING = ".waiting";
  private static final String DECIDED = ".decision";

  private final Path waiting;
  private final Path decided;

  Approvals(SiteDirectory directory) {
    this.waiting = directory.state().resolve("approvals");
    this.decided = directory.decisions();
  }

  /// The approvals of the site in this folder.
  public static Approvals of(SiteDirectory directory) {
    return new Approvals(directory);
  }

  /// What stands of an approval.
  public sealed interface Standing {

    /// No officer has decided.
    record Waits() implements Standing {}

    /// The run's rounds need no further word.
    record Granted(String by, Instant at) implements Standing {
      @Override
      public String toString() {
        return "%s granted it at %s".formatted(by, at);
      }
    }

    /// The run's rounds are refused.
    ///
    /// @param reason stays at the site unless `tell`
    record Denied(String by, Instant at, Optional<String> reason, boolean tell)
        implements Standing {
      /// What aggregator and researcher hear.
      String told() {
        return "approval: an officer of this site denied it"
            + reason.filter(_ -> tell).map(words -> ": " + words).orElse("");
      }

      @Override
      public String toString() {
        return "%s denied it at %s%s".formatted(by, at, reason.map(": "::concat).orElse(""));
      }
    }
  }

  /// What an officer is asked.
  ///
  /// @param subject what is approved
  /// @param plan the first plan that asked
  /// @param columns of the site's tables that it would use
  public record Request(
      Digest subject, RoundPlan plan, List<String> columns, Instant askedAt, Standing standing) {
    public Request {
      columns = List.copyOf(columns);
    }
  }

  /// What an approval of this plan's run is about.
  static Digest subject(RoundPlan plan) {
    var terms = plan.terms();
    return Digest.of(
        CborWriter.map()
            .bytes("run", terms.run().bytes())
            .text("study", terms.study())
            .text("purpose", terms.purpose())
            .text("architecture", terms.architecture().toString())
            .bytes("dataContract", terms.dataContract().bytes())
            .bytes("noise", PlanCodec.encode(terms.noise()))
            .map("poisson", poisson(terms.training().work()))
            .integer("nC", plan.nC())
            .integer("minHonest", plan.minHonest())
            .toBytes());
  }

  /// Steps and sampling rate, which with the noise make the cost of a record-level round.
  private static Optional<CborWriter> poisson(LocalWork work) {
    return switch (work) {
      case LocalWork.PoissonSteps(int steps, double samplingRate) ->
          Optional.of(CborWriter.map().integer("steps", steps).real("samplingRate", samplingRate));
      case LocalWork.Epochs _, LocalWork.Batches _ -> Optional.empty();
    };
  }

  Standing standing(RoundPlan plan) {
    return standing(subject(plan));
  }

  private Standing standing(Digest subject) {
    return decision(subject)
        .read()
        .map(content -> CborReader.read(content, "Approval", Approvals::decision))
        .orElse(new Standing.Waits());
  }

  /// Puts a plan before the officer. Again: no effect.
  void ask(RoundPlan plan, List<String> columns, Instant now) {
    Digest subject = subject(plan);
    var file = new DurableFile(waiting.resolve(subject.hex() + WAITING));
    if (file.read().isEmpty()) {
      file.write(
          CborWriter.map()
              .bytes("plan", PlanCodec.encode(plan))
              .texts("columns", columns)
              .integer("askedAtMillis", now.toEpochMilli())
              .toBytes());
    }
  }

  /// All that was ever asked, oldest first.
  public List<Request> all() {
    if (!Files.isDirectory(waiting)) {
      return List.of();
    }
    var requests = new ArrayList<Request>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(waiting, "*" + WAITING)) {
      for (Path file : files) {
        new DurableFile(file).read().map(this::request).ifPresent(requests::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + waiting, e);
    }
    requests.sort(Comparator.comparing(Request::askedAt));
    return List.copyOf(requests);
  }

  private Request request(byte[] content) {
    return CborReader.read(
        content,
        "WaitingPlan",
        in -> {
          RoundPlan plan = PlanCodec.decodePlan(in.bytes("plan", 1, MOST_BYTES).toByteArray());
          Digest subject = subject(plan);
          return new Request(
              subject,
              plan,
              in.texts("columns"),
              Instant.ofEpochMilli(in.integer("askedAtMillis")),
              standing(subject));
        });
  }

  /// Decides on the one request of `run` that waits. What was decided before stays.
  ///
  /// @return the request that was decided, as it was
  /// @throws IllegalStateException when nothing was ever asked for it, nothing waits, or several do
  public Request decide(RunId run, Standing decision) {
    List<Request> asked =
        all().stream().filter(request -> request.plan().terms().run().equals(run)).toList();
    if (asked.isEmpty()) {
      throw new IllegalStateException(
          "run %s waits for no approval at this site; site-agent approvals list shows what does"
              .formatted(run));
    }
    List<Request> undecided =
        asked.stream().filter(request -> request.standing() instanceof Standing.Waits).toList();
    if (undecided.isEmpty()) {
      throw new IllegalStateException(
          "all that run %s asked is decided; to change a decision name its subject, one of %s"
              .formatted(run, subjects(asked)));
    }
    if (undecided.size() > 1) {
      throw new IllegalStateException(
          "run %s waits with %d subjects, which differ in what they ask; name one of %s"
              .formatted(run, undecided.size(), subjects(undecided)));
    }
    return decide(undecided.getFirst(), decision);
  }

  /// Decides on one request, whether it waits or was decided before.
  ///
  /// @param subject its hexadecimal digits: all, or those of [Digest#abbreviated]
  /// @return the request that was decided, as it was
  /// @throws IllegalStateException when no request has this subject, or several
  public Request decide(String subject, Standing decision) {
    List<Request> meant =
        all().stream()
            .filter(request ->
                request.subject().hex().equalsIgnoreCase(subject)
                    || request.subject().abbreviated().equalsIgnoreCase(subject))
            .toList();
    if (meant.size() != 1) {
      throw new IllegalStateException(
          "subject %s: %d requests at this site have it; site-agent approvals list --all --json shows whole subjects"
              .formatted(subject, meant.size()));
    }
    return decide(meant.getFirst(), decision);
  }

  private Request decide(Request request, Standing decision) {
    write(request.subject(), decision);
    return request;
  }

  private static String subjects(List<Request> requests) {
    return requests.stream()
        .map(request -> request.subject().abbreviated())
        .collect(Collectors.joining(", "));
  }

  private void write(Digest subject, Standing decision) {
    CborWriter out = CborWriter.map().bytes("subject", subject.bytes());
    switch (decision) {
      case Standing.Waits() ->
          throw new IllegalArgumentException("an officer grants or denies, and nothing else");
      case Standing.Granted(String by, Instant at) ->
          out.bool("granted", true).text("by", by).integer("atMillis", at.toEpochMilli());
      case Standing.Denied(String by, Instant at, var reason, boolean tell) ->
          out.bool("granted", false)
              .text("by", by)
              .integer("atMillis", at.toEpochMilli())
              .text("reason", reason)
              .bool("tell", tell);
    }
    decision(subject).write(out.toBytes());
  }

  private static Standing decision(CborReader in) {
    Bytes _ = in.bytes("subject", Digest.SIZE);
    boolean granted = in.bool("granted");
    String by = in.text("by");
    Instant at = Instant.ofEpochMilli(in.integer("atMillis"));
    return granted
        ? new Standing.Granted(by, at)
        : new Standing.Denied(by, at, in.optionalText("reason"), in.bool("tell"));
  }

  private DurableFile decision(Digest subject) {
    return new DurableFile(decided.resolve(subject.hex() + DECIDED));
  }
}
