package dev.comity.agent.participation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// The folder that is a site: settings, keys and state. Everything a site knows lies under it.
///
/// | path | holds |
/// |---|---|
/// | `agent.yaml` | whom the site joined ([AgentSettings]) |
/// | `policy.yaml` | what it takes part in; without it, in nothing |
/// | `resources.yaml` | when its power, temperature and hours let it train; optional |
/// | `mapping.yaml` | how its data become examples, unless `agent.yaml` names another file |
/// | `keys/` | TLS key and certificate, message key, site secret |
/// | `decisions/` | what the site's people granted, denied and left |
/// | `state/` | membership, offers, verified models, checkpoints, updates, sessions, audit book |
/// | `privacy-ledger` | what the site's data have cost in privacy |
/// | `baseline.json` | what the site reaches alone; its own |
public record SiteDirectory(Path path) {
  public SiteDirectory {
    path = path.toAbsolutePath().normalize();
  }

  public Path settings() {
    return path.resolve("agent.yaml");
  }

  public Path policy() {
    return path.resolve("policy.yaml");
  }

  Path resources() {
    return path.resolve("resources.yaml");
  }

  /// A whole policy file: it permits every study, shares metrics, and explains every key.
  public static String examplePolicy() {
    return PolicyFile.example();
  }

  public Path keys() {
    return path.resolve("keys");
  }

  Path state() {
    return path.resolve("state");
  }

  /// What an officer decided and the operator left; written by commands, read by the agent.
  Path decisions() {
    return path.resolve("decisions");
  }

  Path membership() {
    return state().resolve("membership");
  }

  Path offers() {
    return state().resolve("offers");
  }

  Path updates() {
    return state().resolve("updates");
  }

  Path sessions() {
    return state().resolve("sessions");
  }

  Path checkpoints() {
    return state().resolve("checkpoints");
  }

  /// The site's privacy ledger.
  public Path privacyLedger() {
    return path.resolve("privacy-ledger");
  }

  Path baseline() {
    return path.resolve("baseline.json");
  }

  /// Where a running agent writes the port of its status page.
  public Path statusPort() {
    return state().resolve("status-port");
  }

  /// Locks the folder for this process until the result is closed.
  ///
  /// @throws IllegalStateException when another agent holds it
  FileChannel lock() {
    return tryLock()
        .orElseThrow(() ->
            new IllegalStateException(
                "another agent runs in %s: stop it first; two agents with one identity would reveal their site's update"
                    .formatted(path)));
  }

  /// As [#lock]; empty when another process holds it.
  Optional<FileChannel> tryLock() {
    try {
      Files.createDirectories(state());
      var channel =
          FileChannel.open(
              state().resolve("agent.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (!locked(channel)) {
        channel.close();
        return Optional.empty();
      }
      return Optional.of(channel);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot lock " + state(), e);
    }
  }

  private static boolean locked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }
}
