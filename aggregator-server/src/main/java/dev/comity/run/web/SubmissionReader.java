package dev.comity.run.web;

import dev.comity.algorithm.FederatedAlgorithm;
import dev.comity.algorithm.Weighting;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Architecture;
import dev.comity.plan.DataContract;
import dev.comity.plan.Encoding;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.Noise;
import dev.comity.plan.Quorum;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import dev.comity.plan.VectorLayout;
import dev.comity.run.RunSubmission;
import dev.comity.run.web.SubmissionFaults.Fault;
import dev.comity.session.GraphRule;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Reads a submission: every field, every default, every fault at once.
@Component
final class SubmissionReader {
  static final int MAX_ROUNDS = 10_000;

  /// Leaves 23 bits of precision to each coordinate of 32.
  private static final int USUAL_SITES = 512;

  private static final int MAX_WIDTH = 1 << 20;
  private static final long MOST_EXAMPLES = 1L << 40;

  /// Exact in every JSON reader.
  private static final long MOST_SEED = (1L << 53) - 1;

  private static final Duration LEAST_LIMIT = Duration.ofSeconds(1);
  private static final Duration SILENCE = Duration.ofMinutes(15);
  private static final Duration HARD = Duration.ofDays(1);
  private static final String WRONG_SITE = "must be the name of a site";

  private final JsonMapper json;
  private final SecureRandom random = new SecureRandom();

  SubmissionReader(JsonMapper json) {
    this.json = json;
  }

  /// @param membership the present epoch
  /// @throws SubmissionFaults with every fault that was found
  RunSubmission read(JsonNode document, MembershipEpoch membership) {
    List<Fault> faults = new ArrayList<>();
    var submission = new Reading(JsonFields.of(document, faults), membership).submission(document);
    if (submission == null || !faults.isEmpty()) {
      throw new SubmissionFaults(faults);
    }
    return submission;
  }

  /// One submission being read.
  private final class Reading {
    private final JsonFields top;
    private final MembershipEpoch membership;

    Reading(JsonFields top, MembershipEpoch membership) {
      this.top = top;
      this.membership = membership;
    }

    @Nullable RunSubmission submission(JsonNode document) {
      var id = id();
      var name = name();
      var study = top.optionalText("study", 200);
      var purpose = top.text("purpose", 2000);
      var architecture = architecture();
      var encoding = encoding();
      var privacy = new PrivacyReading(top);
      var weighting = weighting(privacy);
      var algorithm = algorithm(weighting);
      var training = training(architecture, privacy);
      var rounds = top.integer("rounds", 1, MAX_ROUNDS);
      long seed = top.integer("seed", 0, MOST_SEED, random.nextLong(MOST_SEED + 1));
      var clipNorm = top.real("clipNorm");
      long maxExamples = top.integer("maxExamples", 1, MOST_EXAMPLES, 10_000);
      double lossCap = top.real("lossCap", 20);
      var silence = top.duration("silenceLimit", LEAST_LIMIT, SILENCE);
      var hard = top.duration("hardLimit", LEAST_LIMIT, HARD);
      if (hard.compareTo(silence) < 0) {
        top.fault("hardLimit", "must be at least silenceLimit " + silence);
      }
      boolean partial = top.flag("partialAllowed", false);
      var cohort = cohort(encoding);
      int nC = (int) top.integer("nC", 0, Encoding.MAX_SITES, Math.max(1, membership.nCFloor()));
      int minHonest = (int) top.integer("minHonest", privacy.leastHonest(), Encoding.MAX_SITES, 3);
      int minReady = minReady(cohort, nC, minHonest);
      var noise =
          privacy.noise(minReady, nC, minHonest, training == null ? null : training.work(), rounds);
      checkGraph(cohort, nC);
      var suite = suite();
      var contract = contract(architecture);
      checkLayout(architecture, encoding, clipNorm, maxExamples, lossCap, noise);
      top.end();
      if (name == null
          || purpose == null
          || architecture == null
          || encoding == null
          || algorithm == null
          || training == null
          || rounds == null
          || clipNorm == null
          || noise == null
          || cohort == null
          || suite == null
          || contract == null) {
        return null;
      }
      var filled = (ObjectNode) document.deepCopy();
      filled.put("id", id.toString());
      filled.put("study", study == null ? name : study);
      filled.put("seed", seed);
      filled.put("maxExamples", maxExamples);
      filled.put("lossCap", lossCap);
      filled.put("silenceLimit", silence.toString());
      filled.put("hardLimit", hard.toString());
      filled.put("partialAllowed", partial);
      filled.put("nC", nC);
      filled.put("minHonest", minHonest);
      filled.put("minReady", minReady);
      filled.put("suite", suite.id());
      filled.set("cohort", json.valueToTree(cohort.stream().map(SiteId::value).toList()));
      filled.set("encoding", json.valueToTree(encoding));
      filled.set("weighting", weights(weighting));
      filled.set("privacy", privacy(noise, privacy.epsilon()));
      return new RunSubmission(
          new RunId(id),
          name,
          study == null ? name : study,
          purpose,
          contract.digest(),
          json.writeValueAsString(contract),
          architecture,
          algorithm,
          training,
          rounds.intValue(),
          seed,
          clipNorm,
          noise,
          encoding,
          cohort,
          minReady,
          nC,
          minHonest,
          maxExamples,
          lossCap,
          silence,
          hard,
          partial,
          suite,
          json.writeValueAsString(filled));
    }

    private UUID id() {
      var text = top.optionalText("id", 36);
      if (text != null) {
        var id = top.checked("id", () -> RunId.parse(text));
        if (id != null) {
          return id.value();
        }
      }
      return UUID.randomUUID();
    }

    private @Nullable String name() {
      var name = top.text("name", 63);
      if (name != null && !name.matches("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")) {
        top.fault("name", "must be lower-case letters, digits and inner hyphens");
        return null;
      }
      if (name != null && name.matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")) {
        top.fault("name", "must not look like an id");
        return null;
      }
      return name;
    }

    private @Nullable Architecture architecture() {
      var fields = top.object("architecture", true);
      var family = fields.text("family", 40);
      var widths =
          fields.list(
              "widths",
              true,
              "must be a whole number from 1 to " + MAX_WIDTH,
              node ->
                  node.isInt() && node.intValue() >= 1 && node.intValue() <= MAX_WIDTH
                      ? node.intValue()
                      : null);
      fields.end();
      if (family == null || widths == null) {
        return null;
      }
      var architecture = top.checked("architecture", () -> new Architecture(family, widths));
      if (architecture != null) {
        membership
            .objection(architecture)
            .ifPresent(objection -> top.fault("architecture", objection));
      }
      return architecture;
    }

    private @Nullable Encoding encoding() {
      var fields = top.object("encoding", false);
      int bits = (int) fields.integer("bits", 1, 64, 32);
      int nMax = (int) fields.integer("nMax", 2, Encoding.MAX_SITES, USUAL_SITES);
      fields.end();
      return top.checked("encoding", () -> new Encoding(bits, nMax));
    }

    private @Nullable Suite suite() {
      if (!top.has("suite")) {
        return Suite.STANDARD;
      }
      var id = top.text("suite", 40);
      return id == null ? null : top.checked("suite", () -> Suite.parse(id));
    }

    private Weighting weighting(PrivacyReading privacy) {
      var fields = top.object("weighting", false);
      var usual = privacy.isPrivate() ? "uniform" : "by-examples";
      var kind = top.has("weighting") ? fields.text("kind", 40) : usual;
      long most = fields.integer("maxWeight", 1, MOST_EXAMPLES, 1000);
      if (kind != null && !kind.equals("by-examples") && !kind.equals("uniform")) {
        fields.fault("kind", "must be by-examples or uniform");
      }
      if ("uniform".equals(kind) && fields.has("maxWeight")) {
        fields.fault("maxWeight", "belongs to by-examples; remove it");
      }
      if ("by-examples".equals(kind) && privacy.isPrivate()) {
        fields.fault(
            "kind",
            "must be uniform under differential privacy, since a weight tells the number of examples");
      }
      fields.end();
      return "uniform".equals(kind) ? new Weighting.Uniform() : new Weighting.ByExamples(most);
    }

    private ObjectNode weights(Weighting weighting) {
      var node = json.createObjectNode();
      switch (weighting) {
        case Weighting.ByExamples(var most) ->
            node.put("kind", "by-examples").put("maxWeight", most);
        case Weighting.Uniform() -> node.put("kind", "uniform");
      }
      return node;
    }

    private ObjectNode privacy(Noise noise, @Nullable Double epsilon) {
      var node = json.createObjectNode();
      if (epsilon != null) {
        node.put("epsilon", epsilon);
      }
      return switch (noise) {
        case Noise.None() -> node.put("kind", "none");
        case Noise.RecordLevel(double multiplier, double exampleClip, double delta) ->
            node.put("kind", "record-level")
                .put("noiseMultiplier", multiplier)
                .put("exampleClip", exampleClip)
                .put("delta", delta);
        case Noise.Distributed(double multiplier, int contributors, double delta) ->
            node.put("kind", "distributed")
                .put("noiseMultiplier", multiplier)
                .put("contributors", contributors)
                .put("delta", delta);
      };
    }

    private @Nullable FederatedAlgorithm algorithm(Weighting weighting) {
      var fields = top.object("algorithm", true);
      var name = fields.text("name", 40);
      if (name == null) {
        return null;
      }
      var algorithm =
          switch (name) {
            case "fedavg" -> {
              double rate = fields.real("serverLearningRate", 1);
              yield top.checked("algorithm", () -> new FederatedAlgorithm.FedAvg(weighting, rate));
            }
            case "fedprox" -> {
              var mu = fields.real("mu");
              double rate = fields.real("serverLearningRate", 1);
              yield mu == null
                  ? null
                  : top.checked(
                      "algorithm", () -> new FederatedAlgorithm.FedProx(mu, weighting, rate));
            }
            case "fedavgm" -> {
              double rate = fields.real("learningRate", 1);
              double momentum = fields.real("momentum", 0.9);
              yield top.checked(
                  "algorithm", () -> new FederatedAlgorithm.FedAvgM(rate, momentum, weighting));
            }
            case "fedadam", "fedyogi" -> {
              double rate = fields.real("learningRate", 0.1);
              double beta1 = fields.real("beta1", 0.9);
              double beta2 = fields.real("beta2", 0.99);
              double tau = fields.real("tau", 1e-3);
              yield top.<FederatedAlgorithm>checked(
                  "algorithm",
                  () ->
                      name.equals("fedadam")
                          ? new FederatedAlgorithm.FedAdam(rate, beta1, beta2, tau, weighting)
                          : new FederatedAlgorithm.FedYogi(rate, beta1, beta2, tau, weighting));
            }
            case "fedadagrad" -> {
              double rate = fields.real("learningRate", 0.1);
              double beta1 = fields.real("beta1", 0);
              double tau = fields.real("tau", 1e-3);
              yield top.checked(
                  "algorithm",
                  () -> new FederatedAlgorithm.FedAdagrad(rate, beta1, tau, weighting));
            }
            default -> {
              fields.fault(
                  "name", "must be one of fedavg, fedprox, fedavgm, fedadam, fedyogi, fedadagrad");
              yield null;
            }
          };
      fields.end();
      return algorithm;
    }

    private @Nullable LocalTraining training(
        @Nullable Architecture architecture, PrivacyReading privacy) {
      var fields = top.object("training", true);
      var loss = loss(fields, architecture);
      var batchSize = fields.integer("batchSize", 1, 1 << 20);
      var work = work(fields, privacy);
      var rate = fields.real("learningRate");
      double momentum = fields.real("momentum", 0);
      double decay = fields.real("weightDecay", 0);
      fields.end();
      return loss == null || batchSize == null || work == null || rate == null
          ? null
          : top.checked(
              "training",
              () -> new LocalTraining(loss, batchSize.intValue(), work, rate, momentum, decay));
    }

    private @Nullable Loss loss(JsonFields fields, @Nullable Architecture architecture) {
      var fitting =
          architecture == null
              ? null
              : architecture.binary() ? Loss.BINARY_CROSS_ENTROPY : Loss.SOFTMAX_CROSS_ENTROPY;
      var text = fields.optionalText("loss", 40);
      if (text == null) {
        return fitting;
      }
      var loss =
          switch (text) {
            case "binary-cross-entropy" -> Loss.BINARY_CROSS_ENTROPY;
            case "softmax-cross-entropy" -> Loss.SOFTMAX_CROSS_ENTROPY;
            default -> null;
          };
      if (loss == null) {
        fields.fault("loss", "must be binary-cross-entropy or softmax-cross-entropy");
      } else if (architecture != null && loss != fitting) {
        fields.fault(
            "loss",
            "does not fit %s, whose outputs are %d; leave it out"
                .formatted(architecture, architecture.outputs()));
      }
      return loss;
    }

    private @Nullable LocalWork work(JsonFields fields, PrivacyReading privacy) {
      boolean byEpochs = fields.has("epochs");
      boolean byBatches = fields.has("batches");
      boolean bySteps = fields.has("steps");
      boolean byRate = fields.has("samplingRate");
      if (privacy.faulty()) {
        return null;
      }
      if (privacy.recordLevel()) {
        if (byEpochs || byBatches) {
          fields.fault(
              byEpochs ? "epochs" : "batches",
              "record-level differential privacy counts steps of a Poisson sample; remove it and set steps and samplingRate");
        }
        var steps = fields.integer("steps", 1, 1_000_000);
        var rate = fields.real("samplingRate");
        return steps == null || rate == null
            ? null
            : top.checked(
                "training/samplingRate", () -> new LocalWork.PoissonSteps(steps.intValue(), rate));
      }
      if (bySteps || byRate) {
        fields.fault(
            bySteps ? "steps" : "samplingRate",
            "belongs to record-level differential privacy; remove it or set privacy.kind to record-level");
        return null;
      }
      if (byEpochs == byBatches) {
        fields.fault("epochs", "exactly one of epochs and batches is required");
        return null;
      }
      var amount = fields.integer(byEpochs ? "epochs" : "batches", 1, 1_000_000);
      if (amount == null) {
        return null;
      }
      return byEpochs
          ? new LocalWork.Epochs(amount.intValue())
          : new LocalWork.Batches(amount.intValue());
    }

    /// Where the whole cohort is ready, its session must have a graph.
    private void checkGraph(@Nullable List<SiteId> cohort, int nC) {
      if (cohort != null && GraphRule.STANDARD.largest(cohort.size(), nC) < cohort.size()) {
        top.fault(
            "nC",
            "%d of %d sites: no ring of neighbours withstands so many; lower nC or invite at most %d sites"
                .formatted(nC, cohort.size(), GraphRule.STANDARD.mostComplete()));
      }
    }

    private @Nullable List<SiteId> cohort(@Nullable Encoding encoding) {
      var members = membership.members().stream().map(MembershipEpoch.Member::site).toList();
      List<SiteId> cohort = members;
      if (top.has("cohort")) {
        var named =
            top.<SiteId>list(
                "cohort",
                true,
                WRONG_SITE,
                node ->
                    node.isString()
                        ? top.checked("cohort", () -> new SiteId(node.stringValue()))
                        : null);
        if (named == null) {
          return null;
        }
        for (int i = 0; i < named.size(); i++) {
          if (!members.contains(named.get(i))) {
            top.fault(
                "cohort/" + i,
                "site %s is no member; the consortium admits sites".formatted(named.get(i)));
          } else if (named.indexOf(named.get(i)) < i) {
            top.fault("cohort/" + i, "site %s is named twice".formatted(named.get(i)));
          }
        }
        cohort = named;
      }
      if (encoding != null && cohort.size() > encoding.nMax()) {
        top.fault(
            "encoding/nMax",
            "must be at least %d, the size of the cohort".formatted(cohort.size()));
      }
      return cohort;
    }

    private int minReady(@Nullable List<SiteId> cohort, int nC, int minHonest) {
      if (nC < membership.nCFloor()) {
        top.fault(
            "nC", "must be at least %d, the consortium's floor".formatted(membership.nCFloor()));
      }
      if (cohort == null) {
        return 1;
      }
      int least = Quorum.leastSites(nC, minHonest);
      int usual = Math.max(least, (2 * cohort.size() + 2) / 3);
      long minReady = top.integer("minReady", 1, Encoding.MAX_SITES, usual);
      if (cohort.size() < least) {
        top.fault(
            "cohort",
            "%d sites: a sum at nC %d and minHonest %d needs at least %d; invite more or lower nC"
                .formatted(cohort.size(), nC, minHonest, least));
      } else if (minReady > cohort.size()) {
        top.fault(
            "minReady", "%d is more than the cohort's %d sites".formatted(minReady, cohort.size()));
      } else {
        top.checked("minReady", () -> Quorum.check((int) minReady, nC, minHonest));
      }
      return (int) minReady;
    }

    private @Nullable DataContract contract(@Nullable Architecture architecture) {
      var fields = top.object("dataContract", true);
      var features =
          fields.list(
              "features",
              true,
              "must be a text",
              node -> node.isString() && !node.stringValue().isBlank() ? node.stringValue() : null);
      var label = fields.text("label", 200);
      fields.end();
      return features == null || label == null || architecture == null
          ? null
          : top.checked("dataContract", () -> DataContract.of(features, label, architecture));
    }

    private void checkLayout(
        @Nullable Architecture architecture,
        @Nullable Encoding encoding,
        @Nullable Double clipNorm,
        long maxExamples,
        double lossCap,
        @Nullable Noise noise) {
      boolean positive = true;
      if (clipNorm != null && clipNorm <= 0) {
        top.fault("clipNorm", "must be > 0");
        positive = false;
      }
      if (lossCap <= 0) {
        top.fault("lossCap", "must be > 0");
        positive = false;
      }
      if (positive
          && architecture != null
          && encoding != null
          && clipNorm != null
          && noise != null) {
        top.checked(
            "maxExamples",
            () ->
                VectorLayout.of(
                    RunKind.TRAIN, architecture, encoding, clipNorm, maxExamples, lossCap, noise));
      }
    }
  }
}
