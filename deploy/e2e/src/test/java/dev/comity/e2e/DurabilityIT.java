package dev.comity.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.demo.LiveEvents;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Kill -9 of the aggregator and of agents, and sites that stand still, in real processes. Every
/// run of the disturbed federation is compared with the same run in an undisturbed one: same id,
/// seed and site secrets, same survivors.
///
/// States are made to last, so that they can be caught: a phase waits for a site that is stopped by
/// SIGSTOP. With five sites of which one may collude, recruiting waits for all five, a vote and an
/// unmasking each for four.
final class DurabilityIT {
  private static final List<String> ALL = FederationUnderTest.SITES;
  private static final List<String> FOUR = ALL.subList(0, 4);
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(21);

  /// The runs, and who is in the sums of each.
  private enum Case {
    AGGREGATOR_KILLED(2, 20, ALL, "PT2M", "PT10M"),
    AGENT_KILLED_IN_TRAINING(1, 60_000, ALL, "PT2M", "PT10M"),
    AGENT_KILLED_AFTER_UPLOAD(1, 20, ALL, "PT1M", "PT10M"),
    AGENT_KILLED_BEFORE_UPLOAD(1, 20, ALL, "PT1M", "PT10M"),
    AGENT_STOPPED(1, 20, FOUR, "PT20S", "PT10M"),
    HOPELESS(1, 20, List.of(), "PT2S", "PT4S");

    private final int rounds;
    private final int batches;
    private final List<String> survivors;
    private final String silence;
    private final String hard;

    Case(int rounds, int batches, List<String> survivors, String silence, String hard) {
      this.rounds = rounds;
      this.batches = batches;
      this.survivors = survivors;
      this.silence = silence;
      this.hard = hard;
    }

    String model() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    ObjectNode request(List<String> cohort) {
      var request = JsonMapper.shared().createObjectNode();
      request.put("id", new UUID(0x1d, ordinal()).toString());
      request.put("name", model());
      request.put("purpose", "Hold a federation against kills");
      request.putObject("architecture").put("family", "logistic-regression");
      request.withObject("architecture").putArray("widths").add(60).add(10);
      request.putObject("algorithm").put("name", "fedadam");
      request
          .putObject("training")
          .put("batchSize", 10)
          .put("batches", batches)
          .put("learningRate", 0.1);
      request.put("rounds", rounds);
      request.put("seed", 5);
      request.put("clipNorm", 20);
      request.putObject("encoding").put("bits", 32).put("nMax", 8);
      request.put("maxExamples", 100_000);
      var sites = request.putArray("cohort");
      cohort.forEach(sites::add);
      request.put("minReady", cohort.size());
      request.put("nC", 1);
      request.put("minHonest", 3);
      request.put("silenceLimit", silence);
      request.put("hardLimit", hard);
      var contract = request.putObject("dataContract");
      var features = contract.putArray("features");
      for (int j = 1; j <= 60; j++) {
        features.add("x" + j);
      }
      contract.put("label", "y");
      return request;
    }
  }

  private static final Map<Case, Map<String, List<Integer>>> UNDISTURBED =
      new EnumMap<>(Case.class);

  @TempDir private static Path folder;
  private static FederationUnderTest federation;

  @BeforeAll
  static void startFederations() throws Exception {
    var undisturbed =
        FederationUnderTest.start(Files.createDirectory(folder.resolve("undisturbed")));
    try (undisturbed) {
      for (var each : Case.values()) {
        if (!each.survivors.isEmpty()) {
          var run = undisturbed.submit(each.request(each.survivors));
          try (var events = undisturbed.follow(run)) {
            undisturbed.await(run, events, "its end", () -> hasEnded(undisturbed, run));
          }
          UNDISTURBED.put(each, models(undisturbed, each));
        }
      }
    }
    federation = FederationUnderTest.start(Files.createDirectory(folder.resolve("disturbed")));
  }

  @AfterEach
  void healFederation() throws Exception {
    federation.heal();
  }

  @AfterAll
  static void noProcessIsLeftBehind() throws Exception {
    if (federation != null) {
      assertThat(federation.end()).isEmpty();
    }
  }

  @Test
  void anAggregatorKilledInEveryStateOfOneRoundCommitsWhatAnUndisturbedOneDoes() throws Exception {
    var killed = new LinkedHashMap<String, String>();

    var run =
        throughEveryState(
            Case.AGGREGATOR_KILLED,
            (state, id) -> {
              var before = position(id);
              federation.restartAggregator();
              killed.put(state, before);
              assertThat(position(id)).as("after the kill in %s", state).isEqualTo(before);
            });
    try (var events = federation.follow(run)) {
      federation.await(run, events, "the first commit", () -> state(run, 1).equals("COMMITTED"));
      federation.restartAggregator();
      federation.await(run, events, "its end", () -> hasEnded(federation, run));
    }

    assertThat(killed.keySet())
        .containsExactly(
            "RECRUITING", "ADVERTISING_KEYS", "SHARING_KEYS", "COLLECTING", "VOTING", "UNMASKING");
    assertSameModels(Case.AGGREGATOR_KILLED);
    assertSummed(run, 1, ALL);
    assertSummed(run, 2, ALL);
  }

  @Test
  void agentsKilledInTrainingAndReadyAndTheAggregatorMeanwhileLoseNothing() throws Exception {
    var run = federation.submit(Case.AGENT_KILLED_IN_TRAINING.request(ALL));
    try (var events = federation.follow(run)) {
      federation.await(
          run, events, "training", () -> federation.standing(run, "site-2").equals("TRAINING"));
      federation.stop("site-2");
      var stopped = Instant.now();
      federation.await(run, events, "the round trains", () -> state(run, 1).equals("TRAINING"));
      federation.restartAggregator();
      assertThat(state(run, 1)).isEqualTo("TRAINING");
      federation.await(
          run,
          events,
          "a checkpoint is due",
          () -> Instant.now().isAfter(stopped.plus(CHECKPOINT_INTERVAL)));
      federation.resume("site-2");
      federation.awaitFileIn(federation.state("site-2").resolve("checkpoints"));
      federation.killAgent("site-2");
      assertThat(federation.standing(run, "site-2")).isEqualTo("TRAINING");
      federation.await(
          run, events, "ready", () -> federation.standing(run, "site-3").equals("READY"));
      federation.killAgent("site-3");
      federation.startAgent("site-3");
      federation.startAgent("site-2");
      federation.await(run, events, "its end", () -> hasEnded(federation, run));
    }

    assertSameModels(Case.AGENT_KILLED_IN_TRAINING);
    assertSummed(run, 1, ALL);
  }

  @Test
  void anAgentKilledAfterItsUploadIsInTheSum() throws Exception {
    var run =
        throughEveryState(
            Case.AGENT_KILLED_AFTER_UPLOAD,
            (state, _) -> {
              if (state.equals("VOTING")) {
                federation.killAgent("site-5");
                federation.resume("site-3", "site-4");
                federation.startAgent("site-5");
              }
            });
    try (var events = federation.follow(run)) {
      federation.await(run, events, "its end", () -> hasEnded(federation, run));
    }

    assertSameModels(Case.AGENT_KILLED_AFTER_UPLOAD);
    assertSummed(run, 1, ALL);
  }

  @Test
  void anAgentKilledBeforeItsUploadGoesOnInTheSameSession() throws Exception {
    var run =
        throughEveryState(
            Case.AGENT_KILLED_BEFORE_UPLOAD,
            (state, _) -> {
              if (state.equals("COLLECTING")) {
                federation.killAgent("site-5");
                federation.startAgent("site-5");
              }
            });
    try (var events = federation.follow(run)) {
      federation.await(run, events, "its end", () -> hasEnded(federation, run));
    }

    assertSameModels(Case.AGENT_KILLED_BEFORE_UPLOAD);
    assertSummed(run, 1, ALL);
    assertThat(federation.story(run)).doesNotContain("site-5 dropped out of the session");
  }

  @Test
  void aSiteThatStandsStillDropsOutAtTheSilenceLimitAndTheOtherFourCommit() throws Exception {
    var run = throughEveryState(Case.AGENT_STOPPED, (_, _) -> {});
    try (var events = federation.follow(run)) {
      federation.await(run, events, "the commit", () -> state(run, 1).equals("COMMITTED"));
      federation.resume("site-5");
      federation.await(run, events, "its end", () -> hasEnded(federation, run));
    }

    assertSameModels(Case.AGENT_STOPPED);
    assertSummed(run, 1, FOUR);
    assertThat(federation.story(run)).contains("site-5 dropped out of the session");
  }

  @Test
  void threeAbandonedRoundsInARowEndTheRunAndSayWhy() throws Exception {
    federation.killAgent("site-4");
    federation.killAgent("site-5");
    var run = federation.submit(Case.HOPELESS.request(ALL).put("minReady", 4));

    try (var events = federation.follow(run)) {
      federation.await(run, events, "its end", () -> hasEnded(federation, run));
    }

    var report = federation.get("runs/" + run);
    assertThat(report.path("state").asString()).isEqualTo("ABANDONED");
    assertThat(report.path("health").path("sentence").asString())
        .contains("3 rounds in a row", "hard limit");
    assertThat(List.of(state(run, 1), state(run, 2), state(run, 3))).containsOnly("ABANDONED");
  }

  /// What is done to a federation that stands in a state and cannot leave it.
  private interface Disturbance {
    void in(String state, String run) throws Exception;
  }

  /// Submits a run and leads its first round from state to state; each waits for stopped sites
  /// until `disturbance` has been at work. Ends where the case is decided, at the latest when all
  /// sites have been led out of the last state.
  private static String throughEveryState(Case each, Disturbance disturbance) throws Exception {
    federation.stop("site-4");
    var run = federation.submit(each.request(ALL));
    try (var events = federation.follow(run)) {
      federation.await(
          run,
          events,
          "four of five are ready",
          () -> {
            for (var site : List.of("site-1", "site-2", "site-3", "site-5")) {
              if (!federation.standing(run, site).equals("READY")) {
                return false;
              }
            }
            return true;
          });
      assertThat(state(run, 1)).isEqualTo("RECRUITING");
      disturbance.in("RECRUITING", run);

      federation.stop("site-5");
      federation.resume("site-4");
      awaitPhase(run, events, "ADVERTISING_KEYS", "ADVERTISE_KEYS", 4);
      disturbance.in("ADVERTISING_KEYS", run);

      federation.stop("site-4");
      federation.resume("site-5");
      awaitPhase(run, events, "SHARING_KEYS", "SHARE_KEYS", 4);
      disturbance.in("SHARING_KEYS", run);

      federation.stop("site-5");
      federation.resume("site-4");
      awaitPhase(run, events, "COLLECTING", "MASKED_INPUT", 4);
      disturbance.in("COLLECTING", run);
      if (each == Case.AGENT_KILLED_BEFORE_UPLOAD || each.survivors.size() < ALL.size()) {
        return run;
      }

      federation.stop("site-3", "site-4");
      federation.resume("site-5");
      awaitPhase(run, events, "VOTING", "VOTE", 3);
      disturbance.in("VOTING", run);
      if (each == Case.AGENT_KILLED_AFTER_UPLOAD) {
        return run;
      }

      federation.stop("site-1", "site-2");
      federation.resume("site-3");
      awaitPhase(run, events, "UNMASKING", "UNMASK", 2);
      disturbance.in("UNMASKING", run);
      federation.resume("site-1", "site-2", "site-4");
      return run;
    }
  }

  private static void awaitPhase(
      String run, LiveEvents events, String phase, String message, int senders) throws Exception {
    federation.await(
        run,
        events,
        "%s with %d messages %s".formatted(phase, senders, message),
        () -> {
          var session = session(run);
          int sent = 0;
          for (var delivery : session.path("deliveries")) {
            var fraction = delivery.path("fraction");
            if (delivery.path("phase").asString().equals(message)
                && (!fraction.isNumber() || fraction.asDouble() == 1)) {
              sent++;
            }
          }
          return session.path("phase").asString().equals(phase) && sent == senders;
        });
  }

  private static JsonNode session(String run) throws Exception {
    var sessions = federation.round(run, 1).path("sessions");
    return sessions.path(sessions.size() - 1);
  }

  /// Where the first round is: its state, its session and that one's phase.
  private static String position(String run) throws Exception {
    var session = session(run);
    return String.join(
        " ", state(run, 1), session.path("id").asString(""), session.path("phase").asString(""));
  }

  private static String state(String run, int round) throws Exception {
    for (var each : federation.get("runs/%s/rounds".formatted(run))) {
      if (each.path("round").asInt() == round) {
        return each.path("state").asString();
      }
    }
    return "";
  }

  private static boolean hasEnded(FederationUnderTest where, String run) throws Exception {
    return !where.get("runs/" + run).path("state").asString().equals("RUNNING");
  }

  private static Map<String, List<Integer>> models(FederationUnderTest where, Case each)
      throws Exception {
    var all = new TreeMap<String, List<Integer>>();
    for (int version = 1; version <= each.rounds; version++) {
      for (var tensor : where.tensors(each.model(), version).entrySet()) {
        all.put("version " + version + " " + tensor.getKey(), tensor.getValue());
      }
    }
    return all;
  }

  private static void assertSameModels(Case each) throws Exception {
    assertThat(models(federation, each))
        .as("tensors of %s", each.model())
        .isNotEmpty()
        .isEqualTo(UNDISTURBED.get(each));
  }

  private static void assertSummed(String run, int round, List<String> survivors) throws Exception {
    var summed = new ArrayList<String>();
    for (var each : federation.get("runs/%s/rounds".formatted(run))) {
      if (each.path("round").asInt() == round) {
        for (var site : ALL) {
          if (each.path("sites").path(site).asString().equals("SUMMED")) {
            summed.add(site);
          }
        }
      }
    }
    assertThat(summed).isEqualTo(survivors);
  }
}
