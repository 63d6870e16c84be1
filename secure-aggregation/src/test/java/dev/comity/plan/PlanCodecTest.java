package dev.comity.plan;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PlanCodecTest {
  static Stream<Consumer<Plans>> variants() {
    return Stream.of(
        p -> p.round = 7,
        p -> p.kind = RunKind.EVALUATE,
        p -> p.objective = new LocalObjective.Proximal(0.01),
        p -> p.weighting = new Weighting.Uniform(),
        p -> p.work = new LocalWork.Epochs(3),
        p -> p.serverStep = new ServerStep.Momentum(0.5, 0.9),
        p -> p.serverStep = new ServerStep.Adam(0.01, 0.9, 0.999, 1e-8),
        p -> p.serverStep = new ServerStep.Yogi(0.01, 0.9, 0.999, 1e-8),
        p -> p.serverStep = new ServerStep.Adagrad(0.316228, 0.9, 1e-8),
        Plans::recordLevel,
        p -> p.encoding = new Encoding(24, 512),
        p -> p.encoding = new Encoding(16, 8),
        p -> p.suite = Suite.X25519_CHACHA20,
        p -> {
          p.noise = new Noise.Distributed(0.8, 3, 1e-6);
          p.weighting = new Weighting.Uniform();
        },
        p -> {
          p.architecture = Architecture.parse("mlp(60,32,10)");
          p.loss = Loss.SOFTMAX_CROSS_ENTROPY;
        });
  }

  @ParameterizedTest
  @MethodSource("variants")
  void aPlanSurvivesItsBytes(Consumer<Plans> change) {
    Plans plans = new Plans();
    change.accept(plans);
    RoundPlan plan = plans.plan();

    byte[] bytes = PlanCodec.encode(plan);

    assertThat(PlanCodec.decodePlan(bytes)).isEqualTo(plan);
    assertThat(plan.digest()).isEqualTo(Digest.of(bytes)).isNotEqualTo(new Plans().plan().digest());
  }

  /// A change of these digests is a change of the wire form: every stored plan and lineage breaks.
  @Test
  void theWireFormIsFrozen() {
    assertThat(new Plans().plan().digest())
        .hasToString("bda20774388faafcbfe18d326d8996607176cf21a5a3bbea062b97034d431ac5");
    assertThat(new Plans().terms().digest())
        .hasToString("3718ffacddc53d30ddc7c48a5a3225b93b0f12fc3838efc309a0fde8362f05f7");
  }

  @Test
  void layoutsSurviveTheirBytes() {
    UpdateTerms terms = new Plans().terms();

    assertThat(PlanCodec.decodeVectorLayout(PlanCodec.encode(terms.vector())))
        .isEqualTo(terms.vector());
  }

  @Test
  void modelVersionsSurviveTheirBytes() {
    ModelVersion initial = version(0, Optional.empty(), Optional.empty());
    ModelVersion next =
        version(
            1,
            Optional.of(initial.digest()),
            Optional.of(
                new ModelVersion.Origin(
                    1,
                    Plans.digest("plan"),
                    Plans.digest("sum"),
                    Plans.digest("transcript"),
                    Plans.sites(4),
                    new ServerStep.Average(1))));

    assertThat(PlanCodec.decodeModelVersion(PlanCodec.encode(initial))).isEqualTo(initial);
    assertThat(PlanCodec.decodeModelVersion(PlanCodec.encode(next))).isEqualTo(next);
  }

  @Test
  void aVersionWithoutItsParentIsRefused() {
    assertThatThrownBy(() -> version(1, Optional.empty(), Optional.empty()))
        .hasMessageContaining("version 1: version 0 has neither parent nor origin");
    assertThatThrownBy(() -> version(0, Optional.of(Plans.digest("p")), Optional.empty()))
        .hasMessageContaining("version 0");
  }

  @Test
  void anUnknownFieldOfAPlanIsRefusedByName() {
    byte[] known = PlanCodec.encode(new Plans().plan());
    byte[] field = {
      0x74, 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z', 'z',
      'z', 'z', 'z', 0x01
    }; // the longest key is the last of a map
    byte[] bytes = Arrays.copyOf(known, known.length + field.length);
    System.arraycopy(field, 0, bytes, known.length, field.length);
    bytes[0]++; // one entry more

    assertThatThrownBy(() -> PlanCodec.decodePlan(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessageStartingWith("unknown field \"zzzzzzzzzzzzzzzzzzzz\" in RoundPlan");
  }

  @Test
  void anotherFormatIsRefusedByNumber() {
    byte[] bytes = CborWriter.map().integer("format", 2).toBytes();

    assertThatThrownBy(() -> PlanCodec.decodePlan(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessage("RoundPlan.format: 2; this software reads format 1");
  }

  @Test
  void aRefusedValueIsNamedWithItsPath() {
    Plans plans = new Plans();
    byte[] bytes = PlanCodec.encode(plans.plan());
    int at = indexOf(bytes, "round") + 5;
    bytes[at] = 0; // the round's number

    assertThatThrownBy(() -> PlanCodec.decodePlan(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessage("RoundPlan: round 0: must be >= 1");
  }

  @Test
  void aPlanOfAnUnknownSuiteIsRefusedWithThoseThatThereAre() {
    Plans plans = new Plans();
    plans.suite = Suite.X25519_CHACHA20;
    byte[] bytes = PlanCodec.encode(plans.plan());
    bytes[indexOf(bytes, "chacha20") + 7] = '8';

    assertThatThrownBy(() -> PlanCodec.decodePlan(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessageEndingWith(
            "suite \"x25519-chacha28\": unknown; must be one of x25519-aes-256-ctr, x25519-chacha20");
  }

  @Test
  void aPlanThatSpellsOutTheStandardSuiteIsRefused() {
    byte[] known = PlanCodec.encode(new Plans().plan());
    Plans plans = new Plans();
    plans.suite = Suite.X25519_CHACHA20;
    byte[] named = PlanCodec.encode(plans.plan());
    int suite = indexOf(named, "suite") + 5;
    byte[] standard = Suite.STANDARD.id().getBytes(ISO_8859_1);

    byte[] bytes = new byte[named.length + standard.length - "x25519-chacha20".length()];
    System.arraycopy(named, 0, bytes, 0, suite);
    bytes[suite] = (byte) (0x60 + standard.length); // a text of so many bytes
    System.arraycopy(standard, 0, bytes, suite + 1, standard.length);
    int rest = suite + 1 + "x25519-chacha20".length();
    System.arraycopy(
        named,
        rest,
        bytes,
        suite + 1 + standard.length,
        bytes.length - suite - 1 - standard.length);

    assertThatThrownBy(() -> PlanCodec.decodePlan(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("the standard suite is left out");
    assertThat(PlanCodec.decodePlan(known).suite()).isEqualTo(Suite.STANDARD);
  }

  @Test
  void aCohortOutOfOrderIsRefused() {
    byte[] bytes = PlanCodec.encode(new Plans().plan());
    int first = indexOf(bytes, "site-1") + 5;
    int second = indexOf(bytes, "site-2") + 5;
    bytes[first] = '2';
    bytes[second] = '1';

    assertThatThrownBy(() -> PlanCodec.decodePlan(bytes))
        .isInstanceOf(MalformedException.class)
        .hasMessageContaining("canonical order");
  }

  @Test
  void noChangeOfOneByteGoesUnnoticed() {
    RoundPlan plan = new Plans().plan();
    byte[] bytes = PlanCodec.encode(plan);
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(20260101);

    for (int i = 0; i < bytes.length; i++) {
      byte[] changed = bytes.clone();
      changed[i] ^= (byte) (1 + random.nextInt(255));

      RoundPlan decoded;
      try {
        decoded = PlanCodec.decodePlan(changed);
      } catch (MalformedException e) {
        continue;
      }
      assertThat(decoded).as("byte %d", i).isNotEqualTo(plan);
      assertThat(PlanCodec.encode(decoded)).isEqualTo(changed);
    }
  }

  private static ModelVersion version(
      int version, Optional<Digest> parent, Optional<ModelVersion.Origin> origin) {
    return new ModelVersion(
        new FederationId("demo"),
        Plans.RUN,
        version,
        parent,
        new Architecture(Architecture.MLP, List.of(13, 8, 1)),
        Plans.digest("weights"),
        Plans.digest("state"),
        Plans.digest("layout"),
        origin);
  }

  private static int indexOf(byte[] bytes, String text) {
    int index = new String(bytes, ISO_8859_1).indexOf(text);
    assertThat(index).isNotNegative();
    return index;
  }
}
