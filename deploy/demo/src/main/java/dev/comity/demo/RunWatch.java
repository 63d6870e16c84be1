package dev.comity.demo;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Follows a run to its end, shows how it stands, and breaks on the way what is to be broken. Used
/// by one thread.
final class RunWatch {
  private static final Duration LONGEST_SILENCE = Duration.ofSeconds(1);
  private static final Duration OUTAGE = Duration.ofSeconds(15);

  private final Terminal terminal;
  private final Children children;
  private final Aggregator aggregator;
  private final RestApi rest;
  private final List<SiteAgent> sites;
  private final Fault fault;

  private boolean broken;
  private int brokenRound;
  private @Nullable SiteAgent away;
  private long awaySince;
  private int abandoned;

  RunWatch(
      Terminal terminal,
      Children children,
      Aggregator aggregator,
      RestApi rest,
      List<SiteAgent> sites,
      Fault fault) {
    this.terminal = terminal;
    this.children = children;
    this.aggregator = aggregator;
    this.rest = rest;
    this.sites = sites;
    this.fault = fault;
  }

  /// Returns what REST says of the run once it is complete.
  JsonNode follow(String run) throws IOException, InterruptedException {
    try (var events = new LiveEvents(rest, run)) {
      while (true) {
        children.requireAlive();
        var report = rest.get("runs/" + run);
        var rounds = rest.get("runs/" + run + "/rounds");
        tellAbandoned(rounds);
        switch (report.path("state").asString()) {
          case "COMPLETED" -> {
            return report;
          }
          case "RUNNING" -> {
            show(report, rounds);
            breakSomething(report, rounds);
          }
          default ->
              throw new DemoFailure(
                  "the run ended: " + report.path("health").path("sentence").asString());
        }
        events.await(LONGEST_SILENCE);
      }
    }
  }

  private void show(JsonNode report, JsonNode rounds) {
    if (rounds.isEmpty()) {
      terminal.live("the first round is being opened", "");
      return;
    }
    var round = rounds.get(rounds.size() - 1);
    var counts = report.path("rounds");
    var line = new StringBuilder();
    if (round.path("kind").asString().equals("EVALUATE")) {
      line.append("final evaluation");
    } else {
      line.append(
          "round %d of %d"
              .formatted(
                  Math.min(counts.path("committed").asInt() + 1, counts.path("planned").asInt()),
                  counts.path("planned").asInt()));
    }
    line.append(", ").append(round.path("state").asString().toLowerCase(java.util.Locale.ROOT));
    long ready = 0;
    for (var state : round.path("sites")) {
      ready += List.of("READY", "IN_SESSION", "SUMMED").contains(state.asString()) ? 1 : 0;
    }
    line.append(", %d of %d sites ready".formatted(ready, round.path("sites").size()));
    var metric = report.path("metric");
    if (metric.path("accuracy").isNumber()) {
      line.append(
          "; model before it: loss %.3f, accuracy %s"
              .formatted(
                  metric.path("loss").asDouble(),
                  Terminal.percent(metric.path("accuracy").asDouble())));
    }
    terminal.live(line.toString(), remaining(report.path("eta")));
  }

  private static String remaining(JsonNode eta) {
    if (!eta.path("to").isString()) {
      return "";
    }
    var left = Duration.between(Instant.now(), Instant.parse(eta.path("to").asString()));
    return left.isNegative() ? "" : "; at most about %d s left".formatted(left.toSeconds() + 1);
  }

  private void tellAbandoned(JsonNode rounds) {
    int now = 0;
    for (var round : rounds) {
      if (round.path("state").asString().equals("ABANDONED") && ++now > abandoned) {
        terminal.step(
            "Round %d is abandoned: %s.",
            round.path("round").asInt(), round.path("reason").asString());
      }
    }
    abandoned = now;
  }

  private void breakSomething(JsonNode report, JsonNode rounds) throws InterruptedException {
    if (away != null) {
      restartWhenTime(rounds);
      return;
    }
    int planned = report.path("rounds").path("planned").asInt();
    if (broken || rounds.isEmpty()) {
      return;
    }
    var round = rounds.get(rounds.size() - 1);
    int number = round.path("round").asInt();
    var state = round.path("state").asString();
    boolean underWay =
        number >= Math.min(2, planned)
            && round.path("kind").asString().equals("TRAIN")
            && !List.of("COMMITTED", "ABANDONED").contains(state);
    if (!underWay) {
      return;
    }
    switch (fault) {
      case Fault.None() -> {
        return;
      }
      case Fault.KillSite(int chosen) -> {
        var site = sites.get(chosen - 1);
        site.kill();
        away = site;
        terminal.step("kill -9: the agent of %s, in round %d (%s).", site.site(), number, state);
      }
      case Fault.KillAggregator() -> {
        aggregator.kill();
        terminal.step("kill -9: the aggregator, in round %d (%s).", number, state);
        aggregator.start();
        terminal.step("The aggregator is back and goes on where it was.");
      }
    }
    broken = true;
    brokenRound = number;
    awaySince = System.nanoTime();
  }

  /// Once the round went on without the site, or when that takes too long because it cannot.
  private void restartWhenTime(JsonNode rounds) {
    var site = away;
    if (site == null) {
      return;
    }
    boolean over = false;
    for (var round : rounds) {
      if (round.path("round").asInt() == brokenRound) {
        over = List.of("COMMITTED", "ABANDONED").contains(round.path("state").asString());
      }
    }
    if (over || System.nanoTime() - awaySince > OUTAGE.toNanos()) {
      site.start();
      away = null;
      terminal.step(
          "The agent of %s is started again%s.",
          site.site(), over ? "; the round went on without it" : "");
    }
  }
}
