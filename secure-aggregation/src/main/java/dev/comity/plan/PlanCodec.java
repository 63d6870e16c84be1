package dev.comity.plan;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/// The bytes of plans, terms, layouts and model versions: equal values have equal bytes, and bytes
/// that are not exactly what this class writes are refused with `MalformedException`.
public final class PlanCodec {
  private static final int FORMAT = 1;

  private PlanCodec() {}

  public static byte[] encode(RoundPlan plan) {
    return document()
        .map("terms", writer(plan.terms()))
        .integer("round", plan.round())
        .texts("cohort", plan.cohort().stream().map(SiteId::value).toList())
        .map("serverStep", writer(plan.serverStep()))
        .integer("minReady", plan.minReady())
        .integer("nC", plan.nC())
        .integer("minHonest", plan.minHonest())
        .integer("silenceLimitMs", plan.silenceLimit().toMillis())
        .integer("hardLimitMs", plan.hardLimit().toMillis())
        .text("suite", suite(plan))
        .toBytes();
  }

  public static RoundPlan decodePlan(byte[] bytes) {
    return decode(
        bytes,
        "RoundPlan",
        in ->
            new RoundPlan(
                in.map("terms", PlanCodec::terms),
                in.int32("round"),
                in.texts("cohort").stream().map(SiteId::new).toList(),
                in.map("serverStep", PlanCodec::serverStep),
                in.int32("minReady"),
                in.int32("nC"),
                in.int32("minHonest"),
                Duration.ofMillis(in.integer("silenceLimitMs")),
                Duration.ofMillis(in.integer("hardLimitMs")),
                in.has("suite") ? Suite.parse(in.text("suite")) : Suite.STANDARD),
        PlanCodec::encode);
  }

  /// The standard one is left out.
  private static Optional<String> suite(RoundPlan plan) {
    return Optional.of(plan.suite()).filter(suite -> suite != Suite.STANDARD).map(Suite::id);
  }

  public static byte[] encode(UpdateTerms terms) {
    return writer(terms).integer("format", FORMAT).toBytes();
  }

  public static byte[] encode(ModelVersion version) {
    return document()
        .text("federation", version.federation().value())
        .bytes("run", version.run().bytes())
        .integer("version", version.version())
        .bytes("parent", version.parent().map(parent -> bytes(parent)))
        .text("architecture", version.architecture().toString())
        .bytes("weights", version.weights().bytes())
        .bytes("optimizerState", version.optimizerState().bytes())
        .bytes("parameters", version.parameters().bytes())
        .map("origin", version.origin().map(PlanCodec::writer))
        .toBytes();
  }

  public static ModelVersion decodeModelVersion(byte[] bytes) {
    return decode(
        bytes,
        "ModelVersion",
        in ->
            new ModelVersion(
                new FederationId(in.text("federation")),
                RunId.ofBytes(in.bytes("run", 16)),
                in.int32("version"),
                in.has("parent") ? Optional.of(digest(in, "parent")) : Optional.empty(),
                Architecture.parse(in.text("architecture")),
                digest(in, "weights"),
                digest(in, "optimizerState"),
                digest(in, "parameters"),
                in.optionalMap("origin", PlanCodec::origin)),
        PlanCodec::encode);
  }

  public static byte[] encode(ParameterLayout layout) {
    return writer(layout).integer("format", FORMAT).toBytes();
  }

  public static byte[] encode(Noise noise) {
    return writer(noise).integer("format", FORMAT).toBytes();
  }

  public static Noise decodeNoise(byte[] bytes) {
    return decode(bytes, "Noise", PlanCodec::noise, PlanCodec::encode);
  }

  public static byte[] encode(VectorLayout layout) {
    return writer(layout).integer("format", FORMAT).toBytes();
  }

  public static VectorLayout decodeVectorLayout(byte[] bytes) {
    return decode(bytes, "VectorLayout", PlanCodec::vectorLayout, PlanCodec::encode);
  }

  private static CborWriter document() {
    return CborWriter.map().integer("format", FORMAT);
  }

  /// Reads, then holds the bytes against what would be written: this also refuses what a
  /// constructor puts right, such as a cohort out of order.
  private static <T> T decode(
      byte[] bytes, String document, Function<CborReader, T> reader, Function<T, byte[]> encoder) {
    T value =
        CborReader.read(
            bytes,
            document,
            in -> {
              long format = in.integer("format");
              if (format != FORMAT) {
                throw new MalformedException(
                    "%s.format: %d; this software reads format %d"
                        .formatted(document, format, FORMAT));
              }
              return reader.apply(in);
            });
    if (!Arrays.equals(bytes, encoder.apply(value))) {
      throw new MalformedException(
          document
              + ": not in canonical order; lists of sites are sorted and the standard suite is left out");
    }
    return value;
  }

  private static CborWriter writer(UpdateTerms terms) {
    return CborWriter.map()
        .text("federation", terms.federation().value())
        .bytes("run", terms.run().bytes())
        .text("kind", name(terms.kind()))
        .text("study", terms.study())
        .text("purpose", terms.purpose())
        .bytes("dataContract", terms.dataContract().bytes())
        .bytes("baseModel", terms.baseModel().bytes())
        .integer("baseVersion", terms.baseVersion())
        .text("architecture", terms.architecture().toString())
        .bytes("weights", terms.weights().bytes())
        .bytes("optimizerState", terms.optimizerState().bytes())
        .map("parameters", writer(terms.parameters()))
        .map("vector", writer(terms.vector()))
        .map("objective", writer(terms.objective()))
        .map("training", writer(terms.training()))
        .integer("seed", terms.seed())
        .map("weighting", writer(terms.weighting()))
        .real("clipNorm", terms.clipNorm())
        .map("noise", writer(terms.noise()))
        .map("encoding", writer(terms.encoding()))
        .integer("maxExamples", terms.maxExamples())
        .real("lossCap", terms.lossCap())
        .bool("partialAllowed", terms.partialAllowed());
  }

  private static UpdateTerms terms(CborReader in) {
    return new UpdateTerms(
        new FederationId(in.text("federation")),
        RunId.ofBytes(in.bytes("run", 16)),
        constant(in, "kind", RunKind.values()),
        in.text("study"),
        in.text("purpose"),
        digest(in, "dataContract"),
        digest(in, "baseModel"),
        in.int32("baseVersion"),
        Architecture.parse(in.text("architecture")),
        digest(in, "weights"),
        digest(in, "optimizerState"),
        in.map("parameters", PlanCodec::parameterLayout),
        in.map("vector", PlanCodec::vectorLayout),
        in.map("objective", PlanCodec::objective),
        in.map("training", PlanCodec::training),
        in.integer("seed"),
        in.map("weighting", PlanCodec::weighting),
        in.real("clipNorm"),
        in.map("noise", PlanCodec::noise),
        in.map("encoding", PlanCodec::encoding),
        in.integer("maxExamples"),
        in.real("lossCap"),
        in.bool("partialAllowed"));
  }

  private static CborWriter writer(ParameterLayout layout) {
    return CborWriter.map()
        .maps(
            "tensors",
            layout.tensors(),
            tensor ->
                CborWriter.map()
                    .text("name", tensor.name())
                    .integers("shape", tensor.shape())
                    .integer("offset", tensor.offset()));
  }

  private static ParameterLayout parameterLayout(CborReader in) {
    return new ParameterLayout(
        in.maps(
            "tensors",
            tensor ->
                new ParameterLayout.Tensor(
                    tensor.text("name"), tensor.int32s("shape"), tensor.integer("offset"))));
  }

  private static CborWriter writer(VectorLayout layout) {
    return CborWriter.map()
        .integer("bits", layout.bits())
        .integer("precision", layout.precision())
        .map("update", writer(layout.update()))
        .maps(
            "blocks",
            layout.blocks(),
            block ->
                CborWriter.map()
                    .text("kind", name(block.kind()))
                    .integer("offset", block.offset())
                    .integer("length", block.length())
                    .real("bound", block.bound())
                    .real("scale", block.scale())
                    .integer("limbs", block.limbs()));
  }

  private static CborWriter writer(VectorLayout.Update update) {
    return CborWriter.map()
        .integer("parameters", update.parameters())
        .real("norm", update.norm())
        .bytes("rotation", update.rotation().map(PlanCodec::bytes))
        .integer("noiseVariance", update.noiseVariance());
  }

  private static VectorLayout.Update layoutOfUpdate(CborReader in) {
    return new VectorLayout.Update(
        in.integer("parameters"),
        in.real("norm"),
        in.has("rotation") ? Optional.of(digest(in, "rotation")) : Optional.empty(),
        in.integer("noiseVariance"));
  }

  private static VectorLayout vectorLayout(CborReader in) {
    return new VectorLayout(
        in.int32("bits"),
        in.int32("precision"),
        in.map("update", PlanCodec::layoutOfUpdate),
        in.maps(
            "blocks",
            block ->
                new VectorLayout.Block(
                    constant(block, "kind", VectorLayout.Kind.values()),
                    block.integer("offset"),
                    block.integer("length"),
                    block.real("bound"),
                    block.real("scale"),
                    block.int32("limbs"))));
  }

  private static CborWriter writer(LocalObjective objective) {
    return switch (objective) {
      case LocalObjective.Plain() -> CborWriter.map().text("name", "plain");
      case LocalObjective.Proximal(double mu) ->
          CborWriter.map().text("name", "proximal").real("mu", mu);
    };
  }

  private static LocalObjective objective(CborReader in) {
    return switch (in.text("name")) {
      case "plain" -> new LocalObjective.Plain();
      case "proximal" -> new LocalObjective.Proximal(in.real("mu"));
      case String other -> throw unknown("objective", other, "plain, proximal");
    };
  }

  private static CborWriter writer(LocalTraining training) {
    CborWriter out =
        CborWriter.map()
            .text("loss", name(training.loss()))
            .integer("batchSize", training.batchSize())
            .real("learningRate", training.learningRate())
            .real("momentum", training.momentum())
            .real("weightDecay", training.weightDecay());
    return switch (training.work()) {
      case LocalWork.Epochs(int n) -> out.integer("epochs", n);
      case LocalWork.Batches(int n) -> out.integer("batches", n);
      case LocalWork.PoissonSteps(int n, double rate) ->
          out.integer("poissonSteps", n).real("samplingRate", rate);
    };
  }

  private static LocalTraining training(CborReader in) {
    return new LocalTraining(
        constant(in, "loss", Loss.values()),
        in.int32("batchSize"),
        work(in),
        in.real("learningRate"),
        in.real("momentum"),
        in.real("weightDecay"));
  }

  private static LocalWork work(CborReader in) {
    if (in.has("epochs")) {
      return new LocalWork.Epochs(in.int32("epochs"));
    }
    return in.has("poissonSteps")
        ? new LocalWork.PoissonSteps(in.int32("poissonSteps"), in.real("samplingRate"))
        : new LocalWork.Batches(in.int32("batches"));
  }

  private static CborWriter writer(Weighting weighting) {
    return switch (weighting) {
      case Weighting.ByExamples(long maxWeight) ->
          CborWriter.map().text("name", "by-examples").integer("maxWeight", maxWeight);
      case Weighting.Uniform() -> CborWriter.map().text("name", "uniform");
    };
  }

  private static Weighting weighting(CborReader in) {
    return switch (in.text("name")) {
      case "by-examples" -> new Weighting.ByExamples(in.integer("maxWeight"));
      case "uniform" -> new Weighting.Uniform();
      case String other -> throw unknown("weighting", other, "by-examples, uniform");
    };
  }

  private static CborWriter writer(Noise noise) {
    return switch (noise) {
      case Noise.None() -> CborWriter.map().text("name", "none");
      case Noise.RecordLevel(double multiplier, double exampleClip, double delta) ->
          CborWriter.map()
              .text("name", "record-level")
              .real("noiseMultiplier", multiplier)
              .real("exampleClip", exampleClip)
              .real("delta", delta);
      case Noise.Distributed(double multiplier, int contributors, double delta) ->
          CborWriter.map()
              .text("name", "distributed")
              .real("noiseMultiplier", multiplier)
              .integer("contributors", contributors)
              .real("delta", delta);
    };
  }

  private static Noise noise(CborReader in) {
    return switch (in.text("name")) {
      case "none" -> new Noise.None();
      case "record-level" ->
          new Noise.RecordLevel(
              in.real("noiseMultiplier"), in.real("exampleClip"), in.real("delta"));
      case "distributed" ->
          new Noise.Distributed(
              in.real("noiseMultiplier"), in.int32("contributors"), in.real("delta"));
      case String other -> throw unknown("noise", other, "none, record-level, distributed");
    };
  }

  private static CborWriter writer(Encoding encoding) {
    return CborWriter.map().integer("bits", encoding.bits()).integer("nMax", encoding.nMax());
  }

  private static Encoding encoding(CborReader in) {
    return new Encoding(in.int32("bits"), in.int32("nMax"));
  }

  private static CborWriter writer(ServerStep step) {
    CborWriter out = CborWriter.map().real("learningRate", step.learningRate());
    return switch (step) {
      case ServerStep.Average(_) -> out.text("name", "average");
      case ServerStep.Momentum(_, double momentum) ->
          out.text("name", "momentum").real("momentum", momentum);
      case ServerStep.Adam(_, double beta1, double beta2, double tau) ->
          out.text("name", "adam").real("beta1", beta1).real("beta2", beta2).real("tau", tau);
      case ServerStep.Yogi(_, double beta1, double beta2, double tau) ->
          out.text("name", "yogi").real("beta1", beta1).real("beta2", beta2).real("tau", tau);
      case ServerStep.Adagrad(_, double beta1, double tau) ->
          out.text("name", "adagrad").real("beta1", beta1).real("tau", tau);
    };
  }

  private static ServerStep serverStep(CborReader in) {
    double rate = in.real("learningRate");
    return switch (in.text("name")) {
      case "average" -> new ServerStep.Average(rate);
      case "momentum" -> new ServerStep.Momentum(rate, in.real("momentum"));
      case "adam" -> new ServerStep.Adam(rate, in.real("beta1"), in.real("beta2"), in.real("tau"));
      case "yogi" -> new ServerStep.Yogi(rate, in.real("beta1"), in.real("beta2"), in.real("tau"));
      case "adagrad" -> new ServerStep.Adagrad(rate, in.real("beta1"), in.real("tau"));
      case String other ->
          throw unknown("serverStep", other, "average, momentum, adam, yogi, adagrad");
    };
  }

  private static CborWriter writer(ModelVersion.Origin origin) {
    return CborWriter.map()
        .integer("round", origin.round())
        .bytes("plan", origin.plan().bytes())
        .bytes("sum", origin.sum().bytes())
        .bytes("transcript", origin.transcript().bytes())
        .texts("participants", origin.participants().stream().map(SiteId::value).toList())
        .map("step", writer(origin.step()));
  }

  private static ModelVersion.Origin origin(CborReader in) {
    return new ModelVersion.Origin(
        in.int32("round"),
        digest(in, "plan"),
        digest(in, "sum"),
        digest(in, "transcript"),
        in.texts("participants").stream().map(SiteId::new).toList(),
        in.map("step", PlanCodec::serverStep));
  }

  private static Bytes bytes(Digest digest) {
    return Bytes.of(digest.bytes());
  }

  private static Digest digest(CborReader in, String name) {
    return Digest.ofValue(in.bytes(name, Digest.SIZE));
  }

  /// Constants travel as `binary-cross-entropy`.
  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static <E extends Enum<E>> E constant(CborReader in, String field, E[] constants) {
    String text = in.text(field);
    return Stream.of(constants)
        .filter(constant -> name(constant).equals(text))
        .findFirst()
        .orElseThrow(() ->
            unknown(
                field,
                text,
                String.join(", ", Stream.of(constants).map(PlanCodec::name).toList())));
  }

  private static IllegalArgumentException unknown(String field, String found, String allowed) {
    return new IllegalArgumentException(
        "%s \"%s\": unknown; must be one of %s".formatted(field, found, allowed));
  }
}
