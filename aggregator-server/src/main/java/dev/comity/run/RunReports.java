package dev.comity.run;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What people read about runs, rounds, sessions and sites. Everything here may be shown: metrics
/// are of sums over all sites, never of one.
///
/// Null stands for what does not apply or is not known; `privacy` and `energy` are null while
/// nothing measures them.
public interface RunReports {
  /// Why a run has no metrics, where it can have none.
  String NOT_MEASURED = "differential privacy";

  List<RunSummary> runs();

  /// A run and the revision of its newest journal line.
  ///
  /// @param notMeasured [#NOT_MEASURED], or null where metrics exist or will
  record Found(RunId run, long revision, @Nullable String notMeasured) {}

  /// The run with this id or this name; no name looks like an id.
  Optional<Found> find(String idOrName);

  Optional<RunReport> run(RunId run);

  /// Oldest first.
  List<RoundSummary> rounds(RunId run);

  Optional<RoundReport> round(RunId run, int number);

  Optional<SessionReport> session(Digest session);

  List<SiteReport> sites();

  /// Sums over all sites of one round: mean loss, accuracy, and AUROC for binary models. A training
  /// round's describe the model it began with, the last, evaluating round's the final one.
  record Metric(
      int round, @Nullable Double loss, @Nullable Double accuracy, @Nullable Double auroc) {}

  /// @param planned committed training rounds asked for
  record RoundCounts(
      int planned, int committed, @Nullable Integer current, List<Integer> abandoned) {
    public RoundCounts {
      abandoned = List.copyOf(abandoned);
    }
  }

  /// @param notMeasured [#NOT_MEASURED], or null where metrics exist or will
  record RunSummary(
      String id,
      String name,
      String study,
      String kind,
      String state,
      @Nullable String reason,
      String submittedBy,
      Instant submittedAt,
      @Nullable Instant endedAt,
      @Nullable String architecture,
      @Nullable String algorithm,
      RoundCounts rounds,
      Map<String, Integer> siteCounts,
      @Nullable Metric metric,
      @Nullable Metric best,
      @Nullable String notMeasured) {
    public RunSummary {
      siteCounts = Map.copyOf(siteCounts);
    }
  }

  /// @param to null when nothing tells
  /// @param cause what the range rests on
  record Eta(@Nullable Instant from, @Nullable Instant to, String cause) {}

  /// A site that the live round waits for.
  record Waiting(
      String site,
      String state,
      @Nullable String reason,
      @Nullable Instant expectedAt,
      Instant since) {}

  /// Something that a person should look at.
  record Attention(@Nullable String site, String problem, @Nullable String reason, String remedy) {}

  /// What the privacy of the sum rests on.
  ///
  /// @param quorum votes that certify a sum of the smallest roster, T
  /// @param minSurvivors fewest contributors to any sum of the smallest roster, m
  record Assumptions(
      int cohort,
      int minReady,
      int nC,
      int quorum,
      int minSurvivors,
      int minHonest,
      double clipNorm,
      @Nullable Double clippedFraction,
      int bits,
      int nMax,
      long maxExamples,
      String suite) {}

  record ModelName(String name, int version, String digest) {}

  /// @param notMeasured [#NOT_MEASURED], or null where metrics exist or will
  /// @param submission as the researcher sent it, defaults filled in
  /// @param revision of the newest journal line
  record RunReport(
      String id,
      String name,
      String study,
      String purpose,
      String kind,
      String state,
      @Nullable String reason,
      String submittedBy,
      Instant submittedAt,
      @Nullable Instant endedAt,
      RunHealth health,
      RoundCounts rounds,
      @Nullable Eta eta,
      @Nullable Metric metric,
      @Nullable Metric best,
      @Nullable String notMeasured,
      @Nullable Object privacy,
      @Nullable Object energy,
      Map<String, Integer> siteCounts,
      List<Waiting> waitingFor,
      List<Attention> attention,
      @Nullable Assumptions assumptions,
      @Nullable ModelName model,
      Object submission,
      long revision) {
    public RunReport {
      siteCounts = Map.copyOf(siteCounts);
      waitingFor = List.copyOf(waitingFor);
      attention = List.copyOf(attention);
    }
  }

  /// @param sessions attempts to sum
  /// @param roster sites in the newest attempt
  /// @param survivors sites in the sum
  /// @param notMeasured [#NOT_MEASURED], or null where metrics exist or will
  /// @param norms per layer: norm of the aggregate, drift from version 0, cosine to the one before
  /// @param sites state by site
  /// @param partial sites that stopped early
  record RoundSummary(
      int round,
      String kind,
      String state,
      @Nullable String reason,
      Instant openedAt,
      @Nullable Instant endedAt,
      int sessions,
      int roster,
      int survivors,
      @Nullable Metric metrics,
      @Nullable String notMeasured,
      @Nullable Object norms,
      @Nullable Double epsilon,
      @Nullable Object energy,
      Map<String, String> sites,
      List<String> partial) {
    public RoundSummary {
      sites = Map.copyOf(sites);
      partial = List.copyOf(partial);
    }
  }

  /// @param kind what the journal calls it
  record Transition(
      long revision,
      Instant at,
      String kind,
      @Nullable String site,
      String event,
      @Nullable String from,
      @Nullable String to,
      String sentence) {}

  /// @param to null while it lasts
  record Segment(String kind, Instant from, @Nullable Instant to, @Nullable String reason) {}

  record Lane(
      String site,
      String state,
      boolean partial,
      int tenths,
      @Nullable String reason,
      @Nullable Instant readyAt,
      @Nullable Instant expected,
      List<Segment> segments) {
    public Lane {
      segments = List.copyOf(segments);
    }
  }

  /// @param votes answers of the voting phase, or of its refusal
  record Certificate(String kind, int votes) {}

  record PhaseSpan(String phase, Instant from, @Nullable Instant to) {}

  /// @param fraction of the masked vector that has arrived, null in other phases
  record Delivery(String site, String phase, Instant at, @Nullable Double fraction) {}

  /// A site whose mask was taken out by the others.
  ///
  /// @param shares answers that carried its shares
  record Recovered(String site, int shares) {}

  /// @param n size of the roster
  /// @param quorum T
  /// @param minSurvivors m
  record SessionReport(
      String id,
      String run,
      int round,
      int attempt,
      String phase,
      @Nullable String reason,
      Instant openedAt,
      @Nullable Instant endedAt,
      @Nullable Instant deadline,
      int n,
      int quorum,
      int minSurvivors,
      @Nullable String outcome,
      @Nullable Certificate certificate,
      List<PhaseSpan> phases,
      List<Delivery> deliveries,
      List<Recovered> recovered) {
    public SessionReport {
      phases = List.copyOf(phases);
      deliveries = List.copyOf(deliveries);
      recovered = List.copyOf(recovered);
    }
  }

  record RoundReport(
      RoundSummary summary,
      String planDigest,
      int minReady,
      @Nullable Instant silenceDeadline,
      Instant hardDeadline,
      @Nullable String sumDigest,
      @Nullable String transcriptDigest,
      List<Transition> transitions,
      List<Lane> lanes,
      List<SessionReport> sessions) {
    public RoundReport {
      transitions = List.copyOf(transitions);
      lanes = List.copyOf(lanes);
      sessions = List.copyOf(sessions);
    }
  }

  /// What a site does in a live round.
  record SiteNow(
      String run,
      String runName,
      int round,
      String state,
      @Nullable String reason,
      @Nullable Instant expectedAt,
      Instant since,
      int tenths) {}

  /// That a site is in no roster, by what session it came to that, and what to do.
  record Suspension(String session, String reason, Instant at, String remedy) {}

  record SiteCertificate(Instant notAfter) {}

  /// `suspension` is null for a site that is not suspended; `gate`, `capability`, `policy` and
  /// `ledger` are null for what a site does not publish.
  record SiteReport(
      String site,
      String state,
      String fingerprint,
      Instant enrolledAt,
      @Nullable String agentVersion,
      @Nullable Instant seenAt,
      SiteCertificate certificate,
      List<SiteNow> now,
      @Nullable Suspension suspension,
      @Nullable Object gate,
      @Nullable Object capability,
      @Nullable Object policy,
      @Nullable Object ledger) {
    public SiteReport {
      now = List.copyOf(now);
    }
  }
}
