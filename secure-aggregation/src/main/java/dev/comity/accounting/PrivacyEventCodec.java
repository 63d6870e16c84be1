package dev.comity.accounting;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;

/// The bytes of events: a map whose `mechanism` names the kind. Equal events have equal bytes;
/// anything else than what this class writes is refused with `MalformedException`.
public final class PrivacyEventCodec {
  private static final String POISSON_GAUSSIAN = "poisson-gaussian";
  private static final String GAUSSIAN = "gaussian";
  private static final String DISCRETE_GAUSSIAN_INTEGER = "discrete-gaussian-integer";
  private static final String DISCRETE_GAUSSIAN_SUM = "discrete-gaussian-sum";

  private PrivacyEventCodec() {}

  public static byte[] encode(PrivacyEvent event) {
    return writer(event).toBytes();
  }

  public static PrivacyEvent decode(byte[] bytes) {
    return CborReader.read(bytes, "PrivacyEvent", PrivacyEventCodec::read);
  }

  /// The event as a field of a larger document.
  public static CborWriter writer(PrivacyEvent event) {
    CborWriter out = CborWriter.map();
    return switch (event) {
      case PrivacyEvent.PoissonGaussian(double sigma, double q, long steps) ->
          out.text("mechanism", POISSON_GAUSSIAN)
              .real("noiseMultiplier", sigma)
              .real("samplingRate", q)
              .integer("steps", steps);
      case PrivacyEvent.Gaussian(double sigma, long count) ->
          out.text("mechanism", GAUSSIAN).real("noiseMultiplier", sigma).integer("count", count);
      case PrivacyEvent.DiscreteGaussianInteger(double sigma, long sensitivity, long count) ->
          out.text("mechanism", DISCRETE_GAUSSIAN_INTEGER)
              .real("sigma", sigma)
              .integer("sensitivity", sensitivity)
              .integer("count", count);
      case PrivacyEvent.DiscreteGaussianSum sum ->
          out.text("mechanism", DISCRETE_GAUSSIAN_SUM)
              .real("localSigma", sum.localSigma())
              .integer("contributors", sum.contributors())
              .integer("dimension", sum.dimension())
              .real("squaredSensitivity", sum.squaredSensitivity())
              .integer("count", sum.count());
    };
  }

  /// Reads the event from a field of a larger document: `in.map("event", PrivacyEventCodec::read)`.
  public static PrivacyEvent read(CborReader in) {
    String mechanism = in.text("mechanism");
    return switch (mechanism) {
      case POISSON_GAUSSIAN ->
          new PrivacyEvent.PoissonGaussian(
              in.real("noiseMultiplier"), in.real("samplingRate"), in.integer("steps"));
      case GAUSSIAN -> new PrivacyEvent.Gaussian(in.real("noiseMultiplier"), in.integer("count"));
      case DISCRETE_GAUSSIAN_INTEGER ->
          new PrivacyEvent.DiscreteGaussianInteger(
              in.real("sigma"), in.integer("sensitivity"), in.integer("count"));
      case DISCRETE_GAUSSIAN_SUM ->
          new PrivacyEvent.DiscreteGaussianSum(
              in.real("localSigma"),
              in.int32("contributors"),
              in.int32("dimension"),
              in.real("squaredSensitivity"),
              in.integer("count"));
      default ->
          throw new MalformedException(
              "PrivacyEvent.mechanism \"%s\": must be one of %s, %s, %s, %s"
                  .formatted(
                      mechanism,
                      POISSON_GAUSSIAN,
                      GAUSSIAN,
                      DISCRETE_GAUSSIAN_INTEGER,
                      DISCRETE_GAUSSIAN_SUM));
    };
  }
}
