package dev.comity.agent.participation;

import dev.comity.agent.protection.DurableFile;
import dev.comity.agent.training.Evaluation;
import dev.comity.plan.UpdateTerms;
import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;

/// What this site reaches alone, in the site's own folder; never sent.
record BaselineFile(
    String run,
    String architecture,
    int rounds,
    double accuracy,
    double loss,
    double federatedAccuracy,
    double federatedLoss,
    long testExamples) {

  static BaselineFile of(UpdateTerms terms, int rounds, Evaluation alone, Evaluation federated) {
    return new BaselineFile(
        terms.run().toString(),
        terms.architecture().toString(),
        rounds,
        alone.accuracy(),
        alone.lossSum() / alone.examples(),
        federated.accuracy(),
        federated.lossSum() / federated.examples(),
        alone.examples());
  }

  void write(Path file) {
    new DurableFile(file).write(JsonMapper.builder().build().writeValueAsBytes(this));
  }
}
