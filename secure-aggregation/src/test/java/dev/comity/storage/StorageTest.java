package dev.comity.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StorageTest {
  @TempDir private Path folder;

  /// The file system, which notes every step that changes something or makes it durable.
  private final class NotingDisk implements Disk {
    private final Disk files = new FileDisk();
    private final List<String> steps = new ArrayList<>();

    private void note(String step, Path path) {
      steps.add(step + " " + folder.relativize(path));
    }

    @Override
    public boolean exists(Path path) {
      return files.exists(path);
    }

    @Override
    public MemorySegment read(Path file) throws IOException {
      return files.read(file);
    }

    @Override
    public List<Path> list(Path path) throws IOException {
      return files.list(path);
    }

    @Override
    public void makeDirectory(Path path) throws IOException {
      note("mkdir", path);
      files.makeDirectory(path);
    }

    @Override
    public void create(Path file, List<MemorySegment> parts) throws IOException {
      note("create", file);
      files.create(file, parts);
    }

    @Override
    public void append(Path file, byte[] bytes) throws IOException {
      note("append", file);
      files.append(file, bytes);
    }

    @Override
    public void sync(Path path) throws IOException {
      note("sync", path);
      files.sync(path);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
      note("rename", to);
      files.rename(from, to);
    }

    @Override
    public void delete(Path file) throws IOException {
      if (files.exists(file)) {
        note("delete", file);
      }
      files.delete(file);
    }

    @Override
    public Closeable lock(Path file) throws IOException {
      return files.lock(file);
    }
  }

  private final NotingDisk disk = new NotingDisk();

  @Test
  void aFileIsWholeBeforeItHasItsNameAndItsNameIsDurableBeforeTheReturn() throws IOException {
    Storage storage = new Storage(disk);
    Path file = folder.resolve("a/b");

    storage.write(file, new byte[] {1});
    storage.write(file, new byte[] {2, 3});

    assertThat(disk.steps)
        .containsSubsequence(
            "mkdir a",
            "sync ",
            "create a/b.tmp",
            "sync a/b.tmp",
            "rename a/b",
            "sync a",
            "create a/b.tmp",
            "sync a/b.tmp",
            "rename a/b",
            "sync a");
    assertThat(storage.read(file)).hasValue(new byte[] {2, 3});
  }

  @Test
  void whatAnEarlierProcessLeftIsMadeDurableBeforeItIsShown() throws IOException {
    Path file = folder.resolve("a/b");
    new Storage(disk).append(file, new byte[] {1});
    Path gone = folder.resolve("c/d");
    new Storage(disk).write(gone, new byte[] {1});
    Files.delete(gone);
    disk.steps.clear();

    Storage next = new Storage(disk);
    assertThat(next.read(file)).hasValue(new byte[] {1});
    assertThat(disk.steps).containsExactlyInAnyOrder("sync a/b", "sync a", "sync ");
    disk.steps.clear();
    assertThat(next.read(file)).hasValue(new byte[] {1});
    assertThat(next.exists(file)).isTrue();
    assertThat(disk.steps).isEmpty();

    assertThat(next.exists(gone)).isFalse();
    assertThat(disk.steps).containsExactlyInAnyOrder("sync c", "sync ");
  }

  @Test
  void anAppendedRecordAndAnErasureAreDurableOnReturn() throws IOException {
    Storage storage = new Storage(disk);
    Path file = folder.resolve("ledger");
    storage.append(file, new byte[] {1, 2});
    disk.steps.clear();

    storage.append(file, new byte[] {3});
    assertThat(disk.steps).containsExactly("append ledger", "sync ledger");
    assertThat(storage.read(file)).hasValue(new byte[] {1, 2, 3});
    disk.steps.clear();

    storage.delete(file);
    storage.delete(file);
    assertThat(disk.steps).startsWith("delete ledger", "sync ").doesNotHaveDuplicates();
    assertThat(storage.read(file)).isEmpty();
  }

  @Test
  void draftsAreNotListedAndOneThatAKillLeftIsReplaced() throws IOException {
    Storage storage = Storage.ofFiles();
    Files.write(folder.resolve("b.tmp"), new byte[] {9});

    storage.write(folder.resolve("b"), new byte[] {1});
    Files.write(folder.resolve("c.tmp"), new byte[] {9});
    storage.write(folder.resolve("a"), new byte[] {2});

    assertThat(storage.list(folder)).containsExactly(folder.resolve("a"), folder.resolve("b"));
    assertThat(storage.list(folder.resolve("none"))).isEmpty();
  }

  @Test
  void aLargeFileComesBackByteForByteInPieces() throws IOException {
    byte[] first = new byte[3];
    byte[] second = new byte[(2 << 20) + 5];
    Arrays.fill(second, (byte) 7);
    Path file = folder.resolve("large");

    Storage.ofFiles()
        .write(file, List.of(MemorySegment.ofArray(first), MemorySegment.ofArray(second)));
    MemorySegment content = Storage.ofFiles().load(file);

    assertThat(content.isReadOnly()).isTrue();
    assertThat(content.byteSize()).isEqualTo(first.length + second.length);
    assertThat(content.asSlice(first.length).mismatch(MemorySegment.ofArray(second))).isEqualTo(-1);
    assertThatThrownBy(() -> Storage.ofFiles().load(folder.resolve("none")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void filesAndFoldersAreTheirOwnersAlone() throws IOException {
    Storage storage = Storage.ofFiles();
    storage.write(folder.resolve("new/written"), new byte[] {1});
    storage.append(folder.resolve("new/appended"), new byte[] {1});

    assertThat(permissions("new")).isEqualTo("rwx------");
    assertThat(permissions("new/written")).isEqualTo("rw-------");
    assertThat(permissions("new/appended")).isEqualTo("rw-------");
  }

  private String permissions(String name) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name)));
  }

  @Test
  void aLockIsHeldOnceUntilItIsClosed() throws IOException {
    Path file = folder.resolve("lock");
    try (Closeable _ = Storage.ofFiles().lock(file)) {
      assertThatThrownBy(() -> Storage.ofFiles().lock(file))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("held");
    }

    assertThat(Storage.ofFiles().lock(file)).satisfies(Closeable::close);
  }
}
