package dev.comity.audit.web;

import dev.comity.audit.Journal;
import dev.comity.audit.JournalEntry;
import dev.comity.plan.RunId;
import dev.comity.run.RunReports;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.dao.DataAccessException;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/// The journal of one run as it is written. An event's id is its revision, so a browser that lost
/// the stream resumes by itself; a revision that is missing means: read the run again.
@RestController
@Tag(name = "journal", description = "What happened, line by line, also as it happens.")
class JournalController {
  private static final Duration HEARTBEAT = Duration.ofSeconds(15);
  private static final int BATCH = 200;
  private static final int MOST_LINES = 1000;

  private final Journal journal;
  private final RunReports runs;
  private final Set<Thread> writers = ConcurrentHashMap.newKeySet();

  JournalController(Journal journal, RunReports runs) {
    this.journal = journal;
    this.runs = runs;
  }

  @GetMapping("/api/v1/runs/{run}/journal")
  @Operation(summary = "Journal lines after a revision, oldest first")
  @ApiResponse(responseCode = "200", description = "at most `limit` lines")
  @ApiResponse(responseCode = "404", description = "no such run")
  List<JournalLine> page(
      @PathVariable String run,
      @RequestParam(defaultValue = "0") long after,
      @RequestParam(defaultValue = "200") int limit) {
    return journal.after(known(run).run(), after, Math.clamp(limit, 1, MOST_LINES)).stream()
        .map(JournalLine::of)
        .toList();
  }

  @GetMapping(path = "/api/v1/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
  @Operation(
      summary = "Follow a run",
      description =
          "Events `run`, `transition` (of a round or a session), `site` and `version`, whose id is"
              + " the journal's revision, and `heartbeat` at least every 15 s. Begins after"
              + " Last-Event-ID or `after`, else with what comes next.")
  @ApiResponse(
      responseCode = "200",
      description = "the stream",
      content = @Content(mediaType = MediaType.TEXT_EVENT_STREAM_VALUE))
  @ApiResponse(responseCode = "404", description = "no such run", content = @Content)
  SseEmitter follow(
      @RequestParam String run,
      @RequestParam(required = false) @Nullable Long after,
      @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String last) {
    var found = known(run);
    long from = resume(last).or(() -> Optional.ofNullable(after)).orElse(found.revision());
    var emitter = new SseEmitter(0L);
    var writer =
        Thread.ofVirtual()
            .name("events-" + found.run())
            .unstarted(() -> write(emitter, found.run(), Math.min(from, found.revision())));
    emitter.onCompletion(writer::interrupt);
    emitter.onError(_ -> writer.interrupt());
    writers.add(writer);
    writer.start();
    return emitter;
  }

  private RunReports.Found known(String run) {
    return runs.find(run)
        .orElseThrow(() ->
            new ResponseStatusException(
                HttpStatus.NOT_FOUND, "No run has the id or the name %s.".formatted(run)));
  }

  private static Optional<Long> resume(@Nullable String last) {
    return last != null && last.matches("\\d{1,18}")
        ? Optional.of(Long.parseLong(last))
        : Optional.empty();
  }

  private void write(SseEmitter emitter, RunId run, long from) {
    long revision = from;
    try {
      emitter.send(SseEmitter.event().name("heartbeat").id(Long.toString(revision)).data(revision));
      while (!Thread.currentThread().isInterrupted()) {
        var lines = journal.follow(run, revision, BATCH, HEARTBEAT);
        if (lines.isEmpty()) {
          emitter.send(SseEmitter.event().name("heartbeat").data(revision));
        }
        for (var line : lines) {
          revision = line.revision();
          emitter.send(
              SseEmitter.event()
                  .name(name(line.kind()))
                  .id(Long.toString(revision))
                  .data(JournalLine.of(line), MediaType.APPLICATION_JSON));
        }
      }
      emitter.complete();
    } catch (IOException | IllegalStateException | DataAccessException broken) {
      emitter.completeWithError(broken);
    } catch (InterruptedException _) {
      emitter.complete(); // the reader is gone, or the server stops
    } finally {
      writers.remove(Thread.currentThread());
    }
  }

  /// Before anything that a stream needs is taken down.
  @EventListener
  void stop(ContextClosedEvent closing) {
    writers.forEach(Thread::interrupt);
  }

  private static String name(JournalEntry.Kind kind) {
    return switch (kind) {
      case RUN -> "run";
      case ROUND, SESSION -> "transition";
      case SITE -> "site";
      case MODEL -> "version";
    };
  }
}
