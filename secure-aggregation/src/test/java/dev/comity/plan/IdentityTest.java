package dev.comity.plan;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdentityTest {
  @Test
  void aDigestIsSha256() { // FIPS 180-4, example "abc"
    Digest digest = Digest.of("abc".getBytes(US_ASCII));

    assertThat(digest.hex())
        .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assertThat(Digest.fromHex(digest.hex().toUpperCase(Locale.ROOT))).isEqualTo(digest);
    assertThat(Digest.ofValue(digest.bytes())).isEqualTo(digest);
    assertThat(Digest.ofAll("a".getBytes(US_ASCII), "bc".getBytes(US_ASCII))).isEqualTo(digest);
    assertThat(digest.abbreviated()).isEqualTo("ba7816bf8f01");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "ba78", "zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"})
  void refusesWhatIsNoDigest(String hex) {
    assertThatThrownBy(() -> Digest.fromHex(hex))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("64 hexadecimal digits");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "site-1", "0-0"})
  void acceptsNamesThatFitAHostName(String name) {
    assertThat(new SiteId(name)).hasToString(name);
    assertThat(new FederationId(name)).hasToString(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-a", "a-", "A", "a.b", "a/b", "a b", "é"})
  void refusesOtherNames(String name) {
    assertThatThrownBy(() -> new SiteId(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("must be 1 to 63");
  }

  @Test
  void refusesALongName() {
    assertThat(new SiteId("a".repeat(63)).value()).hasSize(63);
    assertThatThrownBy(() -> new SiteId("a".repeat(64)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aRunSurvivesItsBytesAndItsText() {
    RunId run = new RunId(UUID.fromString("6f1f9a52-0c0e-4a53-8f6d-3a5f0d5d7c11"));

    assertThat(RunId.ofBytes(run.bytes())).isEqualTo(run);
    assertThat(RunId.parse(run.toString())).isEqualTo(run);
    assertThatThrownBy(() -> RunId.parse("1-1-1-1-1")).hasMessageContaining("must be a UUID");
  }
}
