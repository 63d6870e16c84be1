package dev.comity.run;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// How a run fares, in one sentence that the dashboard and REST show alike.
///
/// @param since when this began
public record RunHealth(Level level, String sentence, Instant since) {

  /// How urgently a person is asked for.
  public enum Level {
    ON_COURSE,
    /// It goes on by itself once the named sites are back.
    HELD_UP,
    /// It will not go on by itself.
    NEEDS_YOU,
    COMPLETED,
    ABANDONED,
    CANCELLED
  }

  /// One site of the live round.
  public record Standing(String site, String state, @Nullable String reason) {}

  /// The live round.
  ///
  /// @param evaluates the final model rather than training
  public record Live(
      int number,
      boolean evaluates,
      String phase,
      Instant openedAt,
      int minReady,
      List<Standing> sites) {
    public Live {
      sites = List.copyOf(sites);
    }

    private long count(String... states) {
      var wanted = List.of(states);
      return sites.stream().filter(site -> wanted.contains(site.state())).count();
    }
  }

  /// What is stored of a run.
  ///
  /// @param state RUNNING, COMPLETED, ABANDONED or CANCELLED
  /// @param committed training rounds
  /// @param abandonedInARow since the last commit
  public record Facts(
      String state,
      @Nullable String reason,
      Instant submittedAt,
      @Nullable Instant endedAt,
      int planned,
      int committed,
      int abandonedInARow,
      @Nullable Live live) {}

  /// The verdict on `facts`.
  public static RunHealth of(Facts facts) {
    var ended = facts.endedAt() == null ? facts.submittedAt() : facts.endedAt();
    return switch (facts.state()) {
      case "COMPLETED" ->
          new RunHealth(
              Level.COMPLETED,
              "Completed: all %d rounds are committed.".formatted(facts.planned()),
              ended);
      case "ABANDONED" ->
          new RunHealth(
              Level.ABANDONED,
              "Abandoned after %d of %d rounds: %s. The model of the last committed round is kept."
                  .formatted(
                      facts.committed(), facts.planned(), withoutStop(facts.reason(), "no reason")),
              ended);
      case "CANCELLED" ->
          new RunHealth(
              Level.CANCELLED,
              "Cancelled after %d of %d rounds; the model of the last committed round is kept."
                  .formatted(facts.committed(), facts.planned()),
              ended);
      default ->
          facts.live() == null
              ? new RunHealth(
                  Level.ON_COURSE,
                  "On course: the next round is being opened, %d of %d are committed."
                      .formatted(facts.committed(), facts.planned()),
                  facts.submittedAt())
              : running(facts, facts.live());
    };
  }

  private static RunHealth running(Facts facts, Live live) {
    var round =
        live.evaluates()
            ? "the evaluation of the final model"
            : "round %d of %d".formatted(facts.committed() + 1, facts.planned());
    long unreachable = live.count("REFUSED");
    long away = live.count("LOST", "PAUSED", "IN_DOUBT");
    long possible = live.sites().size() - unreachable;
    if (!live.phase().equals("AGGREGATING") && possible < live.minReady()) {
      return new RunHealth(
          Level.NEEDS_YOU,
          "Needs you: %s can reach %d of the %d sites it needs; %s."
              .formatted(round, possible, live.minReady(), named(live, "REFUSED")),
          live.openedAt());
    }
    if (!live.phase().equals("AGGREGATING") && possible - away < live.minReady()) {
      return new RunHealth(
          Level.HELD_UP,
          "Held up: %s waits for %d more; %s."
              .formatted(
                  round,
                  live.minReady() - (possible - away),
                  named(live, "LOST", "PAUSED", "IN_DOUBT")),
          live.openedAt());
    }
    return new RunHealth(
        Level.ON_COURSE, "On course: " + onCourse(facts, live, round), live.openedAt());
  }

  private static String onCourse(Facts facts, Live live, String round) {
    var again =
        facts.abandonedInARow() == 0
            ? ""
            : " The round before was abandoned; nothing that is committed was lost.";
    return switch (live.phase()) {
          case "RECRUITING" ->
              "%s asks its sites, %d of %d have begun."
                  .formatted(round, live.count("TRAINING", "PAUSED", "READY"), live.sites().size());
          case "TRAINING" ->
              "%s, %d of %d sites are ready."
                  .formatted(round, live.count("READY"), live.sites().size());
          default -> round + " is being summed.";
        }
        + again;
  }

  private static String named(Live live, String... states) {
    var wanted = List.of(states);
    var sites =
        live.sites().stream()
            .filter(site -> wanted.contains(site.state()))
            .map(site ->
                site.site()
                    + " is "
                    + site.state().toLowerCase(Locale.ROOT).replace('_', ' ')
                    + (site.reason() == null ? "" : " (" + site.reason() + ")"))
            .toList();
    return String.join(", ", sites);
  }

  private static String withoutStop(@Nullable String sentence, String otherwise) {
    if (sentence == null || sentence.isBlank()) {
      return otherwise;
    }
    var text = sentence.strip();
    return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
  }
}
