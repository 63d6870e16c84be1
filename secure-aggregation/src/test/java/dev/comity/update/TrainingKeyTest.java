package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.Digest;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TrainingKeyTest {
  private static final byte[] SECRET = new byte[32];
  private static final Digest DATA = Digest.of(new byte[] {1});

  @Test
  void anIndexBeginsTheKeystreamAtThatCounter() {
    byte[] key = new byte[32];
    key[0] = 7;
    var stream = new RandomStream(key);
    stream.goTo(0x0102030405060708L);
    var expected = new Keystream();
    expected.start(key, new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0});

    ByteBuffer actual = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
    while (actual.hasRemaining()) {
      actual.putLong(stream.nextLong());
    }

    byte[] first = expected.next(4096).toArray(ValueLayout.JAVA_BYTE);
    byte[] second = expected.next(4096).toArray(ValueLayout.JAVA_BYTE);
    assertThat(actual.array()).startsWith(first).endsWith(second);
  }

  @Test
  void goingBackGivesTheSameNumbers() {
    var stream = new RandomStream(new byte[32]);
    stream.goTo(3);
    long first = stream.nextLong();
    stream.goTo(4);
    long other = stream.nextLong();
    stream.goTo(3);

    assertThat(stream.nextLong()).isEqualTo(first).isNotEqualTo(other);
  }

  @Test
  void secretTermsBaseUseAndDataEachMakeAnotherKey() {
    byte[] otherSecret = SECRET.clone();
    otherSecret[31] = 1;
    var terms = PrivateTerms.of(1.0, 1.0);
    float[] base = new float[(int) terms.parameters().size()];
    float[] otherBase = base.clone();
    otherBase[0] = 1;

    long[] firsts = {
      first(TrainingKey.derive(SECRET, terms, base).branch("noise", DATA)),
      first(TrainingKey.derive(otherSecret, terms, base).branch("noise", DATA)),
      first(TrainingKey.derive(SECRET, PrivateTerms.of(1.0, 0.5), base).branch("noise", DATA)),
      first(TrainingKey.derive(SECRET, PrivateTerms.of(2.0, 1.0), base).branch("noise", DATA)),
      first(TrainingKey.derive(SECRET, terms, otherBase).branch("noise", DATA)),
      first(TrainingKey.derive(SECRET, terms, base).branch("sample", DATA)),
      first(TrainingKey.derive(SECRET, terms, base).branch("noise", Digest.of(new byte[0]))),
      first(TrainingKey.derive(SECRET, terms, base))
    };

    assertThat(firsts).doesNotHaveDuplicates();
    assertThat(first(TrainingKey.derive(SECRET, terms, base).branch("noise", DATA)))
        .isEqualTo(firsts[0]);
  }

  @Test
  void neitherKeyNorStreamShowsAnything() {
    var terms = PrivateTerms.of(1.0, 1.0);
    var key = TrainingKey.derive(SECRET, terms, new float[(int) terms.parameters().size()]);

    assertThat(key).hasToString("TrainingKey[redacted]");
    assertThat(key.stream()).hasToString("RandomStream[redacted]");
  }

  private static long first(TrainingKey key) {
    return key.stream().nextLong();
  }
}
