package dev.comity.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// One demonstration, from nothing to a model: consortium, aggregator and sites in processes of
/// their own, one run, and the end of all of them. Used by one thread.
final class Demo {
  private static final Duration PAUSE = Duration.ofMillis(200);
  private static final Duration BASELINE_LIMIT = Duration.ofMinutes(2);

  private final DemoOptions options;
  private final Study study;
  private final Programs programs;
  private final Terminal terminal;
  private final WorkFolder work;
  private final Children children;

  private Demo(
      DemoOptions options,
      Study study,
      Programs programs,
      Terminal terminal,
      WorkFolder work,
      Children children) {
    this.options = options;
    this.study = study;
    this.programs = programs;
    this.terminal = terminal;
    this.work = work;
    this.children = children;
  }

  /// Runs the demonstration; 0 when the run is complete, 1 when something failed.
  static int run(DemoOptions options, Study study, Programs programs, Terminal terminal)
      throws InterruptedException {
    var work = WorkFolder.create(options.folder());
    var children = new Children();
    var ending =
        new Thread(
            () -> {
              children.close();
              if (!options.keep()) {
                work.delete();
              }
            },
            "end-of-demo");
    Runtime.getRuntime().addShutdownHook(ending);
    try {
      new Demo(options, study, programs, terminal, work, children).whole();
      children.close();
      if (!options.keep()) {
        work.delete();
      }
      return 0;
    } catch (DemoFailure failure) {
      if (children.isClosed()) {
        return 1; // Ctrl-C; what failed then is no news
      }
      report(failure, terminal, work);
      return 1;
    } finally {
      if (!children.isClosed()) { // something failed, be it a defect; the folder holds keys
        children.close();
        if (!options.keep()) {
          work.deleteAllButLogs();
        }
      }
      removed(ending);
    }
  }

  private static void removed(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException _) {
      return; // the hook is running already, and does the same
    }
  }

  private static void report(DemoFailure failure, Terminal terminal, WorkFolder work) {
    terminal.blank();
    terminal.line("The demo failed: %s", String.valueOf(failure.getMessage()));
    failure
        .log()
        .filter(Files::exists)
        .ifPresent(log -> {
          terminal.line("The last lines of %s:", log);
          Child.lastLines(log, 25).forEach(line -> terminal.line("    %s", line));
        });
    terminal.line("All logs are in %s.", work.logs());
  }

  private void whole() throws InterruptedException {
    terminal.line("Comity: %s", study.about());
    terminal.line("%s", study.assumption());
    study.citation().ifPresent(citation -> terminal.line("Data: %s", citation));
    terminal.line("Work folder %s", work.root());
    terminal.blank();
    try {
      federation();
    } catch (RecipeException e) {
      throw new DemoFailure(String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw new DemoFailure("the aggregator does not answer: " + e.getMessage(), e);
    }
  }

  private void federation() throws IOException, InterruptedException {
    var federation =
        LocalFederation.found(
            children,
            programs,
            work,
            terminal,
            study.prepare(work.folder("sites")),
            study.nC(),
            options.port());
    var aggregator = federation.aggregator();
    var rest = federation.rest();
    var sites = federation.sites();
    var run = submit(rest);
    var ended =
        new RunWatch(terminal, children, aggregator, rest, sites, options.fault()).follow(run);
    var report = new Report(terminal, rest, options.out());
    report.model(ended);
    report.accuracies(ended, baselines(sites, inFinalEvaluation(rest, run)), study.note());
    if (options.stay()) {
      stay(aggregator);
    }
  }

  private String submit(RestApi rest) throws IOException, InterruptedException {
    var request = study.request();
    var accepted =
        rest.post("runs", request, Map.of("Idempotency-Key", request.path("name").asString()));
    var run = accepted.path("id").asString();
    terminal.blank();
    terminal.step(
        "Run %s is submitted: %s, %d rounds.",
        request.path("name").asString(), options.algorithm(), request.path("rounds").asInt());
    return run;
  }

  /// The sites in the sum of the last round: these alone hold the final model.
  private static List<String> inFinalEvaluation(RestApi rest, String run)
      throws IOException, InterruptedException {
    var rounds = rest.get("runs/" + run + "/rounds");
    var sites = new ArrayList<String>();
    rounds
        .get(rounds.size() - 1)
        .path("sites")
        .forEachEntry((site, state) -> {
          if (state.asString().equals("SUMMED")) {
            sites.add(site);
          }
        });
    return sites;
  }

  /// What every site reaches alone, from the sites' own folders. An agent trains that model after
  /// its part in the final evaluation.
  private Map<String, Optional<JsonNode>> baselines(List<SiteAgent> sites, List<String> evaluated)
      throws InterruptedException {
    long end = System.nanoTime() + BASELINE_LIMIT.toNanos();
    var found = new LinkedHashMap<String, Optional<JsonNode>>();
    boolean said = false;
    for (var site : sites) {
      var baseline = site.readBaseline();
      if (baseline.isEmpty() && evaluated.contains(site.site()) && !said) {
        terminal.step("The sites train alone for as long as the run did, to compare.");
        said = true;
      }
      while (baseline.isEmpty() && evaluated.contains(site.site()) && System.nanoTime() < end) {
        children.pause(PAUSE);
        baseline = site.readBaseline();
      }
      found.put(site.site(), baseline);
    }
    return found;
  }

  private void stay(Aggregator aggregator) throws InterruptedException {
    terminal.blank();
    terminal.line(
        "Everything goes on: the dashboard is at %s (user admin, password in %s). Ctrl-C ends it.",
        aggregator.address(), aggregator.passwordFile());
    while (true) {
      children.pause(Duration.ofDays(1));
    }
  }
}
