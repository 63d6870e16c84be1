package dev.comity.demo;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/// When each committed round was ready and when it was committed, by its number.
record RoundTimes(SortedMap<Integer, Instant> ready, SortedMap<Integer, Instant> committed) {

  /// Reads a run's journal, oldest line first; rounds above `last` are left out.
  static RoundTimes of(JsonNode journal, int last) {
    var ready = new TreeMap<Integer, Instant>();
    var committed = new TreeMap<Integer, Instant>();
    for (var line : journal) {
      int round = line.path("round").asInt(0);
      var to = line.path("to").asString("");
      boolean ofSite = line.path("kind").asString("").equals("SITE");
      if (round < 1 || round > last) {
        continue;
      }
      if (ofSite && to.equals("READY")) {
        ready.put(round, at(line)); // the last one counts
      } else if (!ofSite && to.equals("COMMITTED")) {
        committed.put(round, at(line));
      }
    }
    return new RoundTimes(ready, committed);
  }

  /// From the last site's ready to the commit, shortest first.
  List<Duration> overheads() {
    return committed.entrySet().stream()
        .filter(round -> ready.containsKey(round.getKey()))
        .map(round -> Duration.between(ready.get(round.getKey()), round.getValue()))
        .sorted()
        .toList();
  }

  Instant firstCommit() {
    return committed.firstEntry().getValue();
  }

  private static Instant at(JsonNode line) {
    return Instant.parse(line.path("at").asString());
  }
}
