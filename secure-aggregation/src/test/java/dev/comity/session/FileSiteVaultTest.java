package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.update.MaskedUpdate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileSiteVaultTest {
  private static final Digest SESSION = Digest.of(new byte[] {1});
  private static final Digest OTHER = Digest.of(new byte[] {2});
  private static final Digest TERMS = Digest.of(new byte[] {3});
  private static final byte[] SECRET = new byte[32];

  @TempDir private Path directory;

  private SiteVault open() throws IOException {
    return SiteVault.inDirectory(directory.resolve("vault"), SECRET);
  }

  private static MaskedUpdate input() {
    Federation federation = new Federation(4, 1);
    federation.runUntil(ServerSession.State.VOTING);
    return federation.spooled(federation.sites.getFirst());
  }

  @Test
  void whatWasKeptIsThereAfterARestart() throws IOException {
    MaskedUpdate input = input();
    try (SiteVault vault = open()) {
      vault.keep(SESSION, SiteVault.Item.COMMIT, new byte[] {4, 5});
      vault.keepInput(SESSION, input);
      vault.lock(TERMS, SESSION);
      vault.markSpent(OTHER, SESSION);
      vault.sawCounters(Map.of(new SiteId("a"), 7L, new SiteId("b"), 2L));
      vault.sawCounters(Map.of(new SiteId("a"), 6L));
      assertThat(vault.nextCounter()).isEqualTo(1);
    }

    try (SiteVault vault = open()) {
      assertThat(vault.kept(SESSION, SiteVault.Item.COMMIT)).hasValue(new byte[] {4, 5});
      assertThat(vault.kept(SESSION, SiteVault.Item.ABORT)).isEmpty();
      assertThat(vault.keptInput(SESSION).orElseThrow().digest()).isEqualTo(input.digest());
      assertThat(vault.locks()).containsExactly(Map.entry(TERMS, SESSION));
      assertThat(vault.isSpent(OTHER)).isTrue();
      assertThat(vault.isSpent(TERMS)).isFalse();
      assertThat(vault.lastSeenCounters())
          .containsOnly(Map.entry(new SiteId("a"), 7L), Map.entry(new SiteId("b"), 2L));
      assertThat(vault.nextCounter()).isEqualTo(2);
    }
  }

  @Test
  void keptContentIsNeverChanged() throws IOException {
    try (SiteVault vault = open()) {
      vault.keep(SESSION, SiteVault.Item.COMMIT, new byte[] {1});
      vault.keep(SESSION, SiteVault.Item.COMMIT, new byte[] {1});

      assertThatThrownBy(() -> vault.keep(SESSION, SiteVault.Item.COMMIT, new byte[] {2}))
          .isInstanceOf(IllegalStateException.class);
      assertThat(vault.kept(SESSION, SiteVault.Item.COMMIT)).hasValue(new byte[] {1});
    }
  }

  @Test
  void aTombstoneAndAMaskedInputExcludeEachOther() throws IOException {
    MaskedUpdate input = input();
    try (SiteVault vault = open()) {
      vault.keep(SESSION, SiteVault.Item.TOMBSTONE, new byte[] {1});
      vault.keepInput(OTHER, input);

      assertThatThrownBy(() -> vault.keepInput(SESSION, input))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> vault.keep(OTHER, SiteVault.Item.TOMBSTONE, new byte[] {1}))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> vault.keepInput(OTHER, input))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void secretsAreErasedOnceACertificateIsKeptAndThatThereWasAnInputStaysKnown() throws IOException {
    MaskedUpdate input = input();
    try (SiteVault vault = open()) {
      vault.keep(SESSION, SiteVault.Item.SEED, new byte[32]);
      vault.keepInput(SESSION, input);
      assertThatThrownBy(() -> vault.eraseSecrets(SESSION))
          .isInstanceOf(IllegalStateException.class);
      assertThat(vault.keptInput(SESSION)).isPresent();
      vault.keep(SESSION, SiteVault.Item.CERTIFICATE, new byte[] {1});
      vault.keep(OTHER, SiteVault.Item.CERTIFICATE, new byte[] {1});

      vault.eraseSecrets(SESSION);
      vault.eraseSecrets(SESSION);
      vault.eraseSecrets(OTHER);
    }

    try (SiteVault vault = open()) {
      assertThat(vault.kept(SESSION, SiteVault.Item.SEED)).isEmpty();
      assertThat(vault.keptInput(SESSION)).isEmpty();
      assertThat(vault.hasInput(SESSION)).isTrue();
      assertThat(vault.hasInput(OTHER)).isFalse();
      assertThatThrownBy(() -> vault.keepInput(SESSION, input))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThat(directory.resolve("vault").resolve("sessions").resolve(SESSION.hex()))
        .isDirectoryNotContaining(file -> file.getFileName().toString().matches("input|seed"));
  }

  @Test
  void aLockBelongsToOneSessionUntilItIsDroppedByIt() throws IOException {
    try (SiteVault vault = open()) {
      vault.lock(TERMS, SESSION);

      assertThatThrownBy(() -> vault.lock(TERMS, OTHER)).isInstanceOf(IllegalStateException.class);
      vault.unlock(TERMS, OTHER);
      assertThat(vault.locks()).containsKey(TERMS);
      vault.unlock(TERMS, SESSION);
      vault.lock(TERMS, OTHER);
      assertThat(vault.locks()).containsExactly(Map.entry(TERMS, OTHER));
    }
  }

  @Test
  void theSeedLiesSealedAndOpensUnderTheSameSecretAlone() throws IOException {
    byte[] seed = new byte[32];
    Arrays.fill(seed, (byte) 0x5a);
    try (SiteVault vault = open()) {
      vault.keep(SESSION, SiteVault.Item.SEED, seed);
      assertThat(vault.kept(SESSION, SiteVault.Item.SEED)).hasValue(seed);
    }
    for (Path file : files()) {
      assertThat(HexFormat.of().formatHex(Files.readAllBytes(file)))
          .doesNotContain(HexFormat.of().formatHex(seed, 0, 8));
    }

    byte[] another = new byte[32];
    another[0] = 1;
    try (SiteVault vault = SiteVault.inDirectory(directory.resolve("vault"), another)) {
      assertThatThrownBy(() -> vault.kept(SESSION, SiteVault.Item.SEED))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  @Test
  void everyFileIsItsOwnersAlone() throws IOException {
    try (SiteVault vault = open()) {
      vault.keep(SESSION, SiteVault.Item.COMMIT, new byte[] {1});
      vault.nextCounter();

      for (Path file : files()) {
        if (!file.getFileName().toString().equals("agent.lock")) {
          assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
              .isEqualTo("rw-------");
        }
      }
    }
  }

  @Test
  void aSecondAgentWithTheSameFolderIsRefused() throws IOException {
    try (SiteVault _ = open()) {
      assertThatThrownBy(this::open)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("another agent");
    }
    try (SiteVault again = open()) {
      assertThat(again.locks()).isEmpty();
    }
  }

  @Test
  void aTornTemporaryFileIsNoContent() throws IOException {
    try (SiteVault vault = open()) {
      vault.lock(TERMS, SESSION);
      Files.write(directory.resolve("vault/locks").resolve(OTHER.hex() + ".tmp"), new byte[] {1});

      assertThat(vault.locks()).containsExactly(Map.entry(TERMS, SESSION));
      vault.lock(OTHER, SESSION);
      assertThat(vault.locks()).hasSize(2);
    }
  }

  @Test
  void aWholeSessionRunsOverFiles() {
    Federation federation =
        new Federation(
            4,
            1,
            site -> {
              try {
                return SiteVault.inDirectory(directory.resolve(site.value()), SECRET);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });

    federation.run((_, _) -> true);

    assertThat(federation.maskedSum().encode())
        .isEqualTo(federation.plainSum(federation.sites).encode());
    byte[] certificate = federation.server.certificate().orElseThrow().encode();
    for (SiteId site : federation.sites) {
      assertThat(
              Standing.settle(
                  federation.vault(site),
                  PrivacyBook.none(),
                  federation.session(site).id(),
                  certificate))
          .isEqualTo(Standing.SPENT);
      federation.vault(site).close();
    }
  }
}
