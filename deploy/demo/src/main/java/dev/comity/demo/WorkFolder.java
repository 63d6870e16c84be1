package dev.comity.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Where everything of one demo lies: the folders of consortium, aggregator and sites, and the
/// logs.
record WorkFolder(Path root) {

  /// The folder `wanted`, which must be empty or not there yet; without one, a new folder below the
  /// system's temporary directory. From now on only its owner can enter it.
  static WorkFolder create(Optional<Path> wanted) {
    try {
      if (wanted.isEmpty()) {
        return new WorkFolder(Files.createTempDirectory("comity-demo-").toRealPath());
      }
      var folder = Files.createDirectories(wanted.get());
      try (var entries = Files.list(folder)) {
        if (entries.findAny().isPresent()) {
          throw new DemoFailure(
              "--keep %s: the folder is not empty; name a new one or empty it".formatted(folder));
        }
      }
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
      return new WorkFolder(folder.toRealPath());
    } catch (IOException e) {
      throw new DemoFailure("the work folder cannot be made: " + e.getMessage(), e);
    }
  }

  Path folder(String name) {
    try {
      return Files.createDirectories(root.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot make " + root.resolve(name), e);
    }
  }

  Path log(String process) {
    return logs().resolve(process + ".log");
  }

  Path logs() {
    return folder("logs");
  }

  /// The file `log`, made if need be; only its owner reads it.
  static Path ownersOnly(Path log) throws IOException {
    try {
      return Files.createFile(
          log, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException _) {
      return log;
    }
  }

  /// Deletes everything but the logs.
  void deleteAllButLogs() {
    try (var entries = Files.list(root)) {
      entries.filter(entry -> !entry.equals(logs())).forEach(WorkFolder::delete);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + root, e);
    }
  }

  void delete() {
    delete(root);
  }

  private static void delete(Path tree) {
    try {
      Files.walkFileTree(
          tree,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException error)
                throws IOException {
              Files.deleteIfExists(folder);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (NoSuchFileException _) {
      return; // somebody else was quicker
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + tree, e);
    }
  }
}
