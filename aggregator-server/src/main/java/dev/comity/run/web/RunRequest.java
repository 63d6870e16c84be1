package dev.comity.run.web;

import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.DecimalMin;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The body of a submission as the API's description shows it; [SubmissionReader] reads it.
@Schema(description = "A federated run. Unknown fields are refused; all faults are told at once.")
record RunRequest(
    @Schema(description = "chosen at random when absent") @Nullable UUID id,
    @Schema(description = "lower-case letters, digits and hyphens; unique", example = "heart-1")
        @NotNull
        @Size(min = 1, max = 63)
        String name,
    @Schema(description = "the run's name when absent") @Nullable @Size(min = 1, max = 200)
        String study,
    @Schema(description = "what the model is for; sites decide on it")
        @NotNull
        @Size(min = 1, max = 2000)
        String purpose,
    @NotNull ModelShape architecture,
    @NotNull Algorithm algorithm,
    @NotNull Training training,
    @Schema(description = "committed training rounds") @NotNull @Min(1) @Max(10000) Integer rounds,
    @Schema(description = "of the initial values and the batch order; random when absent")
        @Nullable
        @Min(0)
        Long seed,
    @Schema(description = "bound of the L2 norm of a site's update")
        @NotNull
        @DecimalMin(value = "0", inclusive = false)
        Double clipNorm,
    @Nullable Privacy privacy,
    @Nullable Weights weighting,
    @Nullable Ring encoding,
    @Schema(description = "sites to invite; every active member when absent")
        @Nullable List<String> cohort,
    @Schema(description = "sites that must be ready before a sum; two thirds when absent")
        @Nullable
        @Min(1)
        Integer minReady,
    @Schema(description = "sites that may collude with the aggregator") @Nullable @Min(0)
        Integer nC,
    @Schema(description = "honest sites in every sum, 3 when absent; 2 with record-level privacy")
        @Nullable
        @Min(2)
        Integer minHonest,
    @Schema(description = "most examples of one site, 10000 when absent") @Nullable @Min(1)
        Long maxExamples,
    @Schema(description = "most loss of one example in the metrics, 20 when absent")
        @Nullable Double lossCap,
    @Schema(description = "ISO 8601; PT15M when absent", example = "PT15M")
        @Nullable String silenceLimit,
    @Schema(description = "ISO 8601; P1D when absent", example = "P1D") @Nullable String hardLimit,
    @Schema(
            description =
                "whether a site that cannot finish in time may give the steps it did; false when"
                    + " absent")
        @Nullable Boolean partialAllowed,
    @Schema(
            description = "cryptography of the masks, x25519-aes-256-ctr when absent",
            allowableValues = {"x25519-aes-256-ctr", "x25519-chacha20"})
        @Nullable String suite,
    @NotNull Contract dataContract) {

  record ModelShape(
      @Schema(allowableValues = {"logistic-regression", "mlp"}) @NotNull String family,
      @Schema(description = "inputs, hidden layers, outputs", example = "[13, 1]") @NotNull
          List<Integer> widths) {}

  @Schema(
      description =
          "fedavg {serverLearningRate=1}, fedprox {mu, serverLearningRate=1}, fedavgm"
              + " {learningRate=1, momentum=0.9}, fedadam and fedyogi {learningRate=0.1, beta1=0.9,"
              + " beta2=0.99, tau=0.001}, fedadagrad {learningRate=0.1, beta1=0, tau=0.001}")
  record Algorithm(
      @Schema(
              allowableValues = {
                "fedavg",
                "fedprox",
                "fedavgm",
                "fedadam",
                "fedyogi",
                "fedadagrad"
              })
          @NotNull
          String name,
      @Nullable Double serverLearningRate,
      @Nullable Double mu,
      @Nullable Double learningRate,
      @Nullable Double momentum,
      @Nullable Double beta1,
      @Nullable Double beta2,
      @Nullable Double tau) {}

  @Schema(
      description =
          "differential privacy. Under it weighting is uniform, no metrics travel and the final"
              + " model is not evaluated. record-level: each site clips every example's gradient"
              + " and adds noise; training has steps and samplingRate, minHonest may be 2."
              + " distributed: the sites' noise together protects each site's update. Exactly one of"
              + " noiseMultiplier and epsilon")
  record Privacy(
      @Schema(allowableValues = {"none", "record-level", "distributed"}) @NotNull String kind,
      @Schema(
              description =
                  "standard deviation of the noise, of record-level by exampleClip and of"
                      + " distributed by clipNorm")
          @Nullable
          @DecimalMin(value = "0", inclusive = false)
          Double noiseMultiplier,
      @Schema(
              description =
                  "what all planned rounds together may cost at delta: the least noiseMultiplier"
                      + " that keeps to it is found and entered",
              example = "2")
          @Nullable
          @DecimalMin(value = "0", inclusive = false)
          Double epsilon,
      @Schema(description = "of record-level: bound of the L2 norm of one example's gradient")
          @Nullable
          @DecimalMin(value = "0", inclusive = false)
          Double exampleClip,
      @Schema(description = "ε is stated at this δ", example = "1e-5")
          @Nullable
          @DecimalMin(value = "0", inclusive = false)
          Double delta) {}

  @Schema(
      description =
          "exactly one of epochs and batches; under record-level privacy steps and samplingRate")
  record Training(
      @Schema(
              description = "follows from the architecture when absent",
              allowableValues = {"binary-cross-entropy", "softmax-cross-entropy"})
          @Nullable String loss,
      @NotNull @Min(1) Integer batchSize,
      @Nullable @Min(1) Integer epochs,
      @Nullable @Min(1) Integer batches,
      @Nullable @Min(1) Integer steps,
      @Schema(description = "probability of each example in each step, in (0, 1]")
          @Nullable
          @DecimalMin(value = "0", inclusive = false)
          Double samplingRate,
      @NotNull Double learningRate,
      @Nullable Double momentum,
      @Nullable Double weightDecay) {}

  record Weights(
      @Schema(allowableValues = {"by-examples", "uniform"}) @NotNull String kind,
      @Schema(description = "of by-examples; 1000 when absent") @Nullable @Min(1) Long maxWeight) {}

  record Ring(@Nullable Integer bits, @Nullable @Min(2) @Max(10000) Integer nMax) {}

  record Contract(@NotNull List<String> features, @NotNull String label) {}
}
