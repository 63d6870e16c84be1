package dev.comity.run.web;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.run.RunReports;
import dev.comity.run.RunReports.RoundReport;
import dev.comity.run.RunReports.RoundSummary;
import dev.comity.run.RunReports.RunReport;
import dev.comity.run.RunReports.RunSummary;
import dev.comity.run.RunReports.SessionReport;
import dev.comity.run.RunReports.SiteReport;
import dev.comity.run.RunTransition;
import dev.comity.run.Runs;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.net.URI;
import java.security.Principal;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.transaction.support.TransactionOperations;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
@RequestMapping("/api/v1")
@Tag(name = "runs", description = "Federated runs. A run is named by its id or its name.")
final class RunController {
  /// @param id of the accepted run
  record Accepted(String id, String name) {}

  /// @param changed false when the run had ended already
  record Cancelled(boolean changed, String detail) {}

  private final Submissions submissions;
  private final Runs runs;
  private final RunReports reports;
  private final TransactionOperations transactions;

  RunController(
      Submissions submissions, Runs runs, RunReports reports, TransactionOperations transactions) {
    this.submissions = submissions;
    this.runs = runs;
    this.reports = reports;
    this.transactions = transactions;
  }

  @PostMapping(path = "/runs", consumes = "application/json")
  @Operation(
      summary = "Submit a run",
      requestBody =
          @io.swagger.v3.oas.annotations.parameters.RequestBody(
              required = true,
              content =
                  @Content(
                      mediaType = "application/json",
                      schema = @Schema(implementation = RunRequest.class))))
  @ApiResponse(responseCode = "202", description = "accepted; see Location")
  @ApiResponse(responseCode = "400", description = "not JSON")
  @ApiResponse(responseCode = "409", description = "no membership epoch yet")
  @ApiResponse(
      responseCode = "422",
      description = "every fault with its JSON pointer, or the key was used with another body")
  ResponseEntity<Accepted> submit(
      @RequestBody byte[] body,
      @RequestHeader(name = "Idempotency-Key", required = false) @Nullable String key,
      Principal caller) {
    var accepted = submissions.submit(body, key, caller.getName());
    return ResponseEntity.accepted()
        .location(URI.create("/api/v1/runs/" + accepted.id()))
        .body(accepted);
  }

  @GetMapping("/runs")
  @Operation(summary = "All runs, newest first")
  List<RunSummary> list() {
    return reports.runs();
  }

  @GetMapping("/runs/{run}")
  @Operation(summary = "One run with its verdict")
  @ApiResponse(responseCode = "200", description = "the run")
  @ApiResponse(responseCode = "404", description = "no such run")
  RunReport show(@PathVariable String run) {
    return reports.run(known(run)).orElseThrow(() -> unknownRun(run));
  }

  @PostMapping("/runs/{run}/cancel")
  @Operation(summary = "End a run; what was committed stays")
  @ApiResponse(responseCode = "200", description = "ended, or it had ended already")
  @ApiResponse(responseCode = "404", description = "no such run")
  Cancelled cancel(@PathVariable String run, Principal caller) {
    var id = known(run);
    var transition = transactions.execute(_ -> runs.cancel(id, caller.getName()));
    return switch (transition) {
      case RunTransition.Moved _ -> new Cancelled(true, "the run is cancelled");
      case RunTransition.Ignored(var detail) -> new Cancelled(false, detail);
      case null -> throw new IllegalStateException("a cancel without an outcome");
    };
  }

  @GetMapping("/runs/{run}/rounds")
  @Operation(summary = "All rounds of a run, oldest first")
  @ApiResponse(responseCode = "200", description = "the rounds")
  @ApiResponse(responseCode = "404", description = "no such run")
  List<RoundSummary> rounds(@PathVariable String run) {
    return reports.rounds(known(run));
  }

  @GetMapping("/runs/{run}/rounds/{number}")
  @Operation(summary = "What happened in one round")
  @ApiResponse(responseCode = "200", description = "the round")
  @ApiResponse(responseCode = "404", description = "no such run or round")
  RoundReport round(@PathVariable String run, @PathVariable int number) {
    return reports
        .round(known(run), number)
        .orElseThrow(() ->
            new ResponseStatusException(
                HttpStatus.NOT_FOUND, "Run %s has no round %d.".formatted(run, number)));
  }

  @GetMapping("/sites")
  @Operation(summary = "All sites and what they do now")
  List<SiteReport> sites() {
    return reports.sites();
  }

  @GetMapping("/sessions/{id}")
  @Operation(summary = "One attempt to sum")
  @ApiResponse(responseCode = "200", description = "the session")
  @ApiResponse(responseCode = "404", description = "no such session")
  SessionReport session(@PathVariable String id) {
    if (!id.matches("[0-9a-f]{64}")) {
      throw unknownSession(id);
    }
    return reports.session(Digest.fromHex(id)).orElseThrow(() -> unknownSession(id));
  }

  private static ResponseStatusException unknownSession(String id) {
    return new ResponseStatusException(
        HttpStatus.NOT_FOUND, "No session has the id %s.".formatted(id));
  }

  private RunId known(String run) {
    return reports.find(run).orElseThrow(() -> unknownRun(run)).run();
  }

  private static ResponseStatusException unknownRun(String run) {
    return new ResponseStatusException(
        HttpStatus.NOT_FOUND, "No run has the id or the name %s.".formatted(run));
  }
}
