package dev.comity.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArtifactStoreTest {
  private static final byte[] TEXT = "the weights".getBytes(StandardCharsets.UTF_8);

  @TempDir private Path folder;
  private ArtifactStore store;

  @BeforeEach
  void open() {
    store = ArtifactStore.at(folder.resolve("artifacts"));
  }

  @Test
  void contentIsNamedByItsSha256() throws IOException {
    var digest = store.put(TEXT);

    assertThat(digest).isEqualTo(Digest.of(TEXT));
    assertThat(store.exists(digest)).isTrue();
    assertThat(store.size(digest)).isEqualTo(TEXT.length);
    assertThat(store.read(digest)).isEqualTo(TEXT);
    assertThat(Files.readAllBytes(store.file(digest))).isEqualTo(TEXT);
  }

  @Test
  void aStoreInARelativeFolderWorksAlike() {
    var relative = Path.of("").toAbsolutePath().relativize(folder.resolve("artifacts"));

    var digest = ArtifactStore.at(relative).put(TEXT);

    assertThat(store.read(digest)).isEqualTo(TEXT);
  }

  @Test
  void aReaderThatStoppedGoesOnAtItsOffset() throws IOException {
    var bytes = new byte[3_000_001];
    new SplittableRandom(5).nextBytes(bytes);
    var digest = store.put(new ByteArrayInputStream(bytes)::transferTo);
    byte[] head;
    try (var in = store.open(digest, 0)) {
      head = in.readNBytes(1_234_567);
    }

    byte[] tail;
    try (var in = store.open(digest, head.length)) {
      tail = in.readAllBytes();
    }

    assertThat(Digest.ofAll(head, tail)).isEqualTo(digest);
    try (var in = store.open(digest, bytes.length)) {
      assertThat(in.read()).isEqualTo(-1);
    }
  }

  @Test
  void anOffsetBeyondTheEndIsRefusedWithTheSize() {
    var digest = store.put(TEXT);

    for (long offset : new long[] {-1, 12}) {
      assertThatThrownBy(() -> store.open(digest, offset))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "offset %d of artifact %s: must be between 0 and its size, 11"
                  .formatted(offset, digest.hex()));
    }
  }

  @Test
  void contentWithAnotherDigestIsRefusedAndNotKept() throws IOException {
    var expected = Digest.of("other".getBytes(StandardCharsets.UTF_8));

    assertThatThrownBy(() -> store.put(expected, out -> out.write(TEXT)))
        .isInstanceOf(DigestMismatchException.class)
        .hasMessageContaining(expected.hex())
        .hasMessageContaining(Digest.of(TEXT).hex());

    assertThat(files()).isEmpty();
  }

  @Test
  void aSourceThatFailsLeavesNothingBehind() throws IOException {
    assertThatThrownBy(() ->
            store.put(out -> {
              out.write(TEXT);
              throw new IOException("connection reset");
            }))
        .isInstanceOf(UncheckedIOException.class)
        .hasRootCauseMessage("connection reset");

    assertThat(files()).isEmpty();
  }

  @Test
  void reopeningClearsWhatAKilledProcessLeftAndKeepsTheRest() throws IOException {
    var digest = store.put(TEXT);
    Files.write(folder.resolve("artifacts/incoming/half"), new byte[] {1});

    var reopened = ArtifactStore.at(folder.resolve("artifacts"));

    assertThat(reopened.read(digest)).isEqualTo(TEXT);
    assertThat(files()).containsExactly(store.file(digest));
  }

  @Test
  void aDiskThatChangedTheContentIsFoundOut() throws IOException {
    var digest = store.put(TEXT);
    Files.write(store.file(digest), "the weighty".getBytes(StandardCharsets.UTF_8));

    assertThatThrownBy(() -> store.read(digest)).isInstanceOf(DigestMismatchException.class);

    store.put(TEXT);
    assertThat(store.read(digest)).isEqualTo(TEXT);
  }

  @Test
  void whatIsNotThereIsMissingByName() {
    var digest = Digest.of(TEXT);

    assertThat(store.exists(digest)).isFalse();
    for (Callable<?> access :
        List.<Callable<?>>of(
            () -> store.size(digest),
            () -> store.open(digest, 0),
            () -> store.read(digest),
            () -> store.file(digest))) {
      assertThatThrownBy(access::call)
          .isInstanceOf(MissingArtifactException.class)
          .hasMessage("artifact %s is not in the store".formatted(digest.hex()));
    }
  }

  @Test
  void manyThreadsMayPutTheSameContent() throws Exception {
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var puts = IntStream.range(0, 32).mapToObj(_ -> (Callable<Digest>) () -> store.put(TEXT));

      for (var put : threads.invokeAll(puts.toList())) {
        assertThat(put.get()).isEqualTo(Digest.of(TEXT));
      }
    }

    assertThat(files()).containsExactly(store.file(Digest.of(TEXT)));
  }

  private List<Path> files() throws IOException {
    try (var files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }
}
