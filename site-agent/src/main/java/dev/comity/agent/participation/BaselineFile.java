package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import dev.comity.agent.training.LocalBaseline;
import dev.comity.agent.training.PauseGate;
import dev.comity.formats.BuiltInModel;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.update.Metrics;
import java.nio.file.Path;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/// `baseline.json`: what this site reaches alone on its own test examples, for the run that it last
/// evaluated, beside what the federation's model reaches there. It stays in the site's folder.
final class BaselineFile {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final DurableFile file;
  private final LocalBaseline baseline;
  private final SiteId site;
  private final PauseGate gate;

  BaselineFile(Path file, LocalBaseline baseline, SiteId site, PauseGate gate) {
    this.file = new DurableFile(file);
    this.baseline = baseline;
    this.site = site;
    this.gate = gate;
  }

  /// The document. Accuracies are in [0, 1], on `testExamples` examples.
  record Content(
      String run,
      String architecture,
      int rounds,
      long testExamples,
      double aloneAccuracy,
      double federatedAccuracy) {}

  /// Trains alone for as long as the whole run of `terms` did, an evaluation of its final model,
  /// and writes the comparison. Does nothing when it is there already or nothing was measured.
  void write(UpdateTerms terms, Metrics federated) throws InterruptedException {
    if (terms.baseVersion() < 1
        || federated.examples() == 0
        || run().equals(Optional.of(terms.run()))) {
      return;
    }
    var model = BuiltInModel.of(terms.architecture().family(), terms.architecture().widths());
    double alone =
        baseline.accuracy(
            terms, site, terms.baseVersion(), model.initialValues(terms.seed()), gate);
    file.write(
        JSON.writeValueAsBytes(
            new Content(
                terms.run().toString(),
                terms.architecture().toString(),
                terms.baseVersion(),
                federated.examples(),
                alone,
                (double) federated.correct() / federated.examples())));
  }

  /// The run that the file is about.
  private Optional<RunId> run() {
    try {
      return file.read().map(content -> RunId.parse(JSON.readValue(content, Content.class).run()));
    } catch (JacksonException e) {
      return Optional.empty(); // torn or changed by hand: written anew
    }
  }
}
