package dev.comity.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// The end of a demonstration: the model, where it comes from, what it is worth and where it lies.
final class Report {
  private final Terminal terminal;
  private final RestApi rest;
  private final Path out;

  Report(Terminal terminal, RestApi rest, Path out) {
    this.terminal = terminal;
    this.rest = rest;
    this.out = out;
  }

  /// Shows the model, its lineage and its file.
  ///
  /// @param run what REST says of the run
  void model(JsonNode run) throws IOException, InterruptedException {
    var model = run.path("model");
    var name = model.path("name").asString();
    int version = model.path("version").asInt();
    terminal.blank();
    terminal.step("The run is complete: %s", run.path("health").path("sentence").asString());
    terminal.blank();
    terminal.line("Model    %s, version %d", name, version);
    terminal.line("Digest   sha256 %s", model.path("digest").asString());
    terminal.line("Lineage");
    for (int at = version; at >= 0; at--) {
      lineage(rest.get("models/" + name + "/versions/" + at));
    }
    Files.createDirectories(out);
    var file = out.resolve("%s-v%d.safetensors".formatted(name, version)).toAbsolutePath();
    rest.download("models/%s/versions/%d/artifacts/weights".formatted(name, version), file);
    terminal.line("Weights  %s (safetensors, %d bytes)", file, Files.size(file));
  }

  private void lineage(JsonNode version) {
    var digest = version.path("digest").asString();
    var text =
        "  v%-3d %s"
            .formatted(
                version.path("version").asInt(),
                digest.substring(0, Math.min(16, digest.length())));
    var accuracy = version.path("metrics").path("accuracy");
    var worth = accuracy.isNumber() ? ", accuracy " + Terminal.percent(accuracy.asDouble()) : "";
    if (version.path("round").isNumber()) {
      terminal.line(
          "%s  round %d, sum over %d sites%s",
          text, version.path("round").asInt(), version.path("participants").size(), worth);
    } else {
      terminal.line("%s  initial values from the seed%s", text, worth);
    }
  }

  /// Shows what the model is worth, beside what the sites reach without each other.
  ///
  /// @param run what REST says of the run
  /// @param baselines by site, what its agent wrote into the site's folder
  /// @param note what to think of the figures
  void accuracies(JsonNode run, Map<String, Optional<JsonNode>> baselines, String note) {
    terminal.blank();
    terminal.line(
        "Accuracy on the test data of all sites together: %s",
        Terminal.percent(run.path("metric").path("accuracy").asDouble()));
    terminal.line("On each site's own test data                 alone   together");
    baselines.forEach((site, baseline) ->
        terminal.line(
            "  %-40s %8s   %8s",
            site, accuracy(baseline, "aloneAccuracy"), accuracy(baseline, "federatedAccuracy")));
    terminal.line(
        "  (Each agent wrote these into its site's own folder and tells nobody. The demo may look,");
    terminal.line(
        "  since it owns all the folders; the aggregator knows sums over the sites only.)");
    terminal.line("%s", note);
  }

  private static String accuracy(Optional<JsonNode> baseline, String name) {
    return baseline.map(written -> Terminal.percent(written.path(name).asDouble())).orElse("–");
  }
}
