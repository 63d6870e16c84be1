package dev.comity.aggregator;

import static java.nio.file.attribute.PosixFilePermissions.asFileAttribute;
import static java.nio.file.attribute.PosixFilePermissions.fromString;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.SecureRandom;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.xz.XZCompressorInputStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// PostgreSQL from this program's own binaries, its cluster below one directory.
///
/// Listens on the loopback address alone and wants a password, which lies in a file that only its
/// owner reads. A server that survived the end of the program that started it is adopted: the
/// cluster's own `postmaster.pid` tells where it listens, and the password proves that it is ours.
final class EmbeddedPostgres implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedPostgres.class);
  private static final String USER = "comity";
  private static final String DATABASE = "comity";
  private static final String ARCHIVE = "postgres-linux-x86_64.txz";
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final Path binaries;
  private final Path cluster;
  private final Path passwordFile;
  private final int port;

  private EmbeddedPostgres(Path binaries, Path cluster, Path passwordFile, int port) {
    this.binaries = binaries;
    this.cluster = cluster;
    this.passwordFile = passwordFile;
    this.port = port;
  }

  /// Starts the server of `directory`, making its cluster first when there is none.
  static EmbeddedPostgres start(Path directory) {
    try {
      return startIn(directory.toAbsolutePath().normalize());
    } catch (IOException e) {
      throw new UncheckedIOException("embedded PostgreSQL in " + directory, e);
    }
  }

  private static EmbeddedPostgres startIn(Path directory) throws IOException {
    Files.createDirectories(directory, asFileAttribute(fromString("rwx------")));
    var binaries = unpackedBinaries(directory);
    var cluster = directory.resolve("cluster");
    var passwordFile = directory.resolve("password");
    if (!Files.exists(cluster.resolve("PG_VERSION"))) {
      makeCluster(binaries, cluster, passwordFile);
    }
    var server =
        liveServer(binaries, cluster, passwordFile)
            .orElseGet(() -> launched(binaries, cluster, passwordFile));
    server.createDatabase();
    return server;
  }

  String url() {
    return url(DATABASE);
  }

  private String url(String database) {
    return "jdbc:postgresql://127.0.0.1:" + port + "/" + database;
  }

  String user() {
    return USER;
  }

  String password() {
    try {
      return Files.readString(passwordFile);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Orderly stop: clients are cut off, the last checkpoint is written.
  @Override
  public void close() {
    try {
      command(binaries, "pg_ctl", "-D", cluster.toString(), "-m", "fast", "-w", "stop");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path unpackedBinaries(Path directory) throws IOException {
    var target = directory.resolve("binaries");
    if (Files.isDirectory(target)) {
      return target;
    }
    var unpacking = Files.createTempDirectory(directory, "unpacking-");
    try (InputStream archive = EmbeddedPostgres.class.getResourceAsStream("/" + ARCHIVE)) {
      if (archive == null) {
        throw new RefusedStart(
            "This build carries no PostgreSQL binaries (" + ARCHIVE + ").",
            "Set spring.datasource.url to a PostgreSQL, or run on Linux x86_64.");
      }
      unpack(archive, unpacking);
    }
    Files.move(unpacking, target, StandardCopyOption.ATOMIC_MOVE);
    return target;
  }

  private static void unpack(InputStream archive, Path into) throws IOException {
    try (var tar = new TarArchiveInputStream(new XZCompressorInputStream(archive))) {
      for (TarArchiveEntry entry; (entry = tar.getNextEntry()) != null; ) {
        var path = into.resolve(entry.getName()).normalize();
        if (!path.startsWith(into)) {
          throw new IOException("archive entry outside its folder: " + entry.getName());
        }
        if (entry.isDirectory()) {
          Files.createDirectories(path);
          continue;
        }
        Files.createDirectories(path.resolveSibling("."));
        if (entry.isSymbolicLink()) {
          Files.createSymbolicLink(path, Path.of(entry.getLinkName()));
        } else {
          Files.copy(tar, path);
          if ((entry.getMode() & 0100) != 0) {
            Files.setPosixFilePermissions(path, fromString("rwxr-xr-x"));
          }
        }
      }
    }
  }

  /// Makes a cluster beside its final place, so that a crash leaves none rather than half of one.
  private static void makeCluster(Path binaries, Path cluster, Path passwordFile)
      throws IOException {
    var secret = new byte[32];
    new SecureRandom().nextBytes(secret);
    Files.deleteIfExists(passwordFile);
    Files.createFile(passwordFile, asFileAttribute(fromString("rw-------")));
    Files.writeString(passwordFile, HexFormat.of().formatHex(secret));
    var making = cluster.resolveSibling("cluster.new");
    deleteTree(making);
    command(
        binaries,
        "initdb",
        "-D",
        making.toString(),
        "-U",
        USER,
        "--pwfile=" + passwordFile,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions");
    Files.move(making, cluster, StandardCopyOption.ATOMIC_MOVE);
  }

  private static Optional<EmbeddedPostgres> liveServer(
      Path binaries, Path cluster, Path passwordFile) throws IOException {
    var pidFile = cluster.resolve("postmaster.pid");
    if (!Files.exists(pidFile)) {
      return Optional.empty();
    }
    var lines = Files.readAllLines(pidFile, StandardCharsets.UTF_8);
    if (lines.size() < 4 || !serves(Long.parseLong(lines.getFirst().strip()), cluster)) {
      Files.delete(pidFile); // its process is gone, and another may have the number by now
      return Optional.empty();
    }
    var server =
        new EmbeddedPostgres(
            binaries, cluster, passwordFile, Integer.parseInt(lines.get(3).strip()));
    server.checkThatItServes();
    LOG.atInfo().addKeyValue("port", server.port).log("adopted the running embedded PostgreSQL");
    return Optional.of(server);
  }

  /// A server's working directory is its cluster.
  private static boolean serves(long pid, Path cluster) throws IOException {
    var process = Path.of("/proc", Long.toString(pid));
    try {
      return Files.readString(process.resolve("comm")).strip().equals("postgres")
          && Files.isSameFile(process.resolve("cwd"), cluster);
    } catch (NoSuchFileException _) {
      return false;
    }
  }

  private void checkThatItServes() {
    try (var connection = DriverManager.getConnection(url("postgres"), USER, password());
        var statement = connection.createStatement();
        var answer = statement.executeQuery("show data_directory")) {
      if (!answer.next() || !Path.of(answer.getString(1)).equals(cluster)) {
        throw new RefusedStart(
            "The PostgreSQL on port " + port + " does not serve " + cluster + ".",
            "Stop that server, or give comity.data-dir another directory.");
      }
    } catch (SQLException e) {
      throw new RefusedStart(
          "The PostgreSQL of " + cluster + " runs on port " + port + " but does not answer.",
          "Stop the process named in " + cluster.resolve("postmaster.pid") + " and start again.",
          e);
    }
  }

  private static EmbeddedPostgres launched(Path binaries, Path cluster, Path passwordFile) {
    try {
      int port = freePort();
      var log = cluster.resolveSibling("postgres.log");
      command(
          binaries,
          "pg_ctl",
          "-D",
          cluster.toString(),
          "-l",
          log.toString(),
          "-w",
          "-o",
          "-p "
              + port
              + " -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=60"
              + " -c log_statement=none",
          "start");
      LOG.atInfo().addKeyValue("port", port).log("started the embedded PostgreSQL");
      return new EmbeddedPostgres(binaries, cluster, passwordFile, port);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void createDatabase() throws IOException {
    try (var connection = DriverManager.getConnection(url("postgres"), USER, password());
        var statement = connection.createStatement()) {
      try (var known =
          statement.executeQuery("select 1 from pg_database where datname = '" + DATABASE + "'")) {
        if (known.next()) {
          return;
        }
      }
      statement.execute("create database " + DATABASE);
    } catch (SQLException e) {
      throw new IOException("cannot open the embedded PostgreSQL on port " + port, e);
    }
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /// PostgreSQL refuses to run as root; a user namespace of its own gives it another name there.
  private static void command(Path binaries, String program, String... arguments)
      throws IOException {
    List<String> line = new ArrayList<>();
    var asRoot = runsAsRoot(binaries);
    if (asRoot) {
      line.addAll(List.of("unshare", "-U"));
    }
    line.add(binaries.resolve("bin").resolve(program).toString());
    line.addAll(List.of(arguments));
    var output = Files.createTempFile(binaries.resolveSibling("."), program, ".out");
    try {
      var builder = new ProcessBuilder(line).redirectErrorStream(true);
      builder.environment().put("LC_ALL", "C");
      var process = builder.redirectOutput(output.toFile()).start();
      if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException(program + " did not end within " + PATIENCE);
      }
      if (process.exitValue() != 0) {
        var said = Files.readString(output).strip();
        if (asRoot && said.startsWith("unshare:")) {
          throw new RefusedStart(
              "PostgreSQL does not run as root, and root may make no user namespace here: " + said,
              "Run the aggregator as an ordinary user, or set spring.datasource.url to a PostgreSQL"
                  + " of your own.");
        }
        throw new RefusedStart(
            "PostgreSQL's %s ended with %d: %s".formatted(program, process.exitValue(), said),
            "Look into "
                + binaries.resolveSibling("postgres.log")
                + ", or set spring.datasource.url to a PostgreSQL of your own.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while waiting for " + program, e);
    } finally {
      Files.delete(output);
    }
  }

  private static boolean runsAsRoot(Path ours) throws IOException {
    return Integer.valueOf(0).equals(Files.getAttribute(ours, "unix:uid"));
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
              throws IOException {
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
