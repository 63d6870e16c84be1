package dev.comity.update;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredUpdateTest {
  @TempDir Path folder;

  @Test
  void aStoredUpdateComesBackByteForByte() throws IOException {
    var update = Sites.noised(1, 5000);
    var file = folder.resolve("z");

    update.store(file);
    var loaded = NoisedUpdate.load(file);
    loaded.store(folder.resolve("again"));

    assertThat(loaded.layout()).isEqualTo(update.layout());
    assertThat(loaded.ring().mismatch(update.ring())).isEqualTo(-1);
    assertThat(folder.resolve("again")).hasSameBinaryContentAs(file);
  }

  @Test
  void aStoredMaskedUpdateComesBackByteForByte() throws IOException {
    var masked = Sites.noised(1, 5000).mask(Sites.Masks.random(1, 3).of(0));
    var file = folder.resolve("y");

    masked.store(file);
    var loaded = MaskedUpdate.load(file);

    assertThat(loaded.digest()).isEqualTo(masked.digest());
    assertThat(loaded.chunkRoot()).isEqualTo(masked.chunkRoot());
    assertThat(loaded.ring().mismatch(masked.ring())).isEqualTo(-1);
  }

  @Test
  void storingAgainReplacesTheFileAndTheDraftThatAKillLeft() throws IOException {
    var file = folder.resolve("z");
    Files.writeString(folder.resolve("z.tmp"), "half");

    Sites.noised(1, 50).store(file);
    Sites.noised(2, 70).store(file);

    assertThat(NoisedUpdate.load(file).layout()).isEqualTo(Sites.layout(70));
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void aStoredUpdateIsReadableByItsOwnerAlone() throws IOException {
    var file = folder.resolve("z");

    Sites.noised(1, 50).store(file);

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void aFailedStoreKeepsWhatTheFileHeld() throws IOException {
    var file = folder.resolve("z");
    Files.createDirectory(file);
    Files.writeString(file.resolve("inside"), "kept");

    assertThatThrownBy(() -> Sites.noised(1, 50).store(file)).isInstanceOf(IOException.class);

    assertThat(file.resolve("inside")).hasContent("kept");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void aTornFileIsRefusedWhereverItEnds() throws IOException {
    var file = folder.resolve("z");
    Sites.noised(1, 5).store(file);
    byte[] whole = Files.readAllBytes(file);

    for (int length = 0; length < whole.length; length += 1) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> NoisedUpdate.load(file))
          .as("cut to %d of %d bytes", length, whole.length)
          .isInstanceOf(DamagedUpdateException.class)
          .hasMessageContaining(file.toString());
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    assertThatThrownBy(() -> NoisedUpdate.load(file))
        .isInstanceOf(DamagedUpdateException.class)
        .hasMessageContaining("should have " + whole.length);
  }

  @Test
  void aFileWithOneBitChangedIsRefusedWhereverItIs() throws IOException {
    var file = folder.resolve("y");
    Sites.noised(1, 5).mask(Sites.Masks.random(1, 3).of(0)).store(file);
    byte[] whole = Files.readAllBytes(file);

    for (int at = 0; at < whole.length; at++) {
      byte[] changed = whole.clone();
      changed[at] ^= (byte) (1 << at % 8);
      Files.write(file, changed);
      assertThatThrownBy(() -> MaskedUpdate.load(file))
          .as("bit changed in byte %d of %d", at, whole.length)
          .isInstanceOf(DamagedUpdateException.class);
    }
  }

  @Test
  void anUpdateInClearIsNeverReadAsAMaskedOne() throws IOException {
    var file = folder.resolve("z");
    Sites.noised(1, 5).store(file);

    assertThatThrownBy(() -> MaskedUpdate.load(file))
        .isInstanceOf(DamagedUpdateException.class)
        .hasMessage("stored update %s is not of the kind comity-y", file);
  }

  @Test
  void aMissingFileIsSaidToBeMissing() {
    assertThatThrownBy(() -> NoisedUpdate.load(folder.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(List.of(folder.toFile().list())).isEmpty();
  }
}
