package dev.comity.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildrenTest {
  @TempDir Path temporary;

  @Test
  void aWithheldLineStaysOutOfTheLogAndOnlyTheOwnerReadsTheRest() throws Exception {
    var work = WorkFolder.create(Optional.of(temporary.resolve("work")));
    var log = work.log("talker");
    try (var children = new Children()) {
      var talker =
          children.start(
              "talker",
              log,
              temporary,
              List.of("/bin/sh", "-c", "echo before; echo my secret; echo after >&2"),
              line -> line.contains("secret"));

      assertThat(talker.ended(Duration.ofSeconds(30))).isTrue();
    }

    assertThat(Files.readAllLines(log)).containsExactly("before", "after");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(log)))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(work.root())))
        .isEqualTo("rwx------");
  }

  @Test
  void aLogOfWholeOutputIsTheOwnersToo() throws Exception {
    var log = temporary.resolve("talker.log");
    try (var children = new Children()) {
      var talker = children.start("talker", log, temporary, List.of("/bin/echo", "hello"));

      assertThat(talker.ended(Duration.ofSeconds(30))).isTrue();
    }

    assertThat(log).hasContent("hello");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(log)))
        .isEqualTo("rw-------");
  }
}
