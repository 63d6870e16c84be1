package dev.comity.demo;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The consortium: a folder with a key, and the command that uses it. The aggregator never sees the
/// folder.
final class Consortium {
  /// Every built-in family, and by its full name the million parameters of the benchmark, whose one
  /// hidden layer is wider than a family may have.
  private static final List<String> ALLOWED =
      List.of("logistic-regression", "mlp", "mlp(60,14084,10)");

  private final Children children;
  private final Programs programs;
  private final Path folder;
  private final Path log;

  Consortium(Children children, Programs programs, WorkFolder work) {
    this.children = children;
    this.programs = programs;
    this.folder = work.folder("consortium");
    this.log = work.log("consortium");
  }

  /// Makes the key.
  void init() throws InterruptedException {
    run(List.of("init", "--dir", folder.toString()));
  }

  /// The file with the public key, which the aggregator is configured with.
  Path publicKey() {
    return folder.resolve("consortium.pub");
  }

  /// An invitation, one line.
  String invite(String site, URI aggregator, String caPin) throws InterruptedException {
    return run(List.of(
            "invite",
            "--dir",
            folder.toString(),
            "--site",
            site,
            "--url",
            aggregator.toString(),
            "--ca-pin",
            caPin,
            "--yes"))
        .strip();
  }

  /// Signs a membership with these sites and hands it to the aggregator; refused when a site
  /// enrolled with another key than `fingerprints` says.
  void admit(
      URI aggregator, String caPin, Path tokenFile, Map<String, String> fingerprints, int nCFloor)
      throws InterruptedException {
    var arguments =
        new ArrayList<>(
            List.of(
                "admit",
                "--dir",
                folder.toString(),
                "--url",
                aggregator.toString(),
                "--ca-pin",
                caPin,
                "--token-file",
                tokenFile.toString(),
                "--n-c-floor",
                Integer.toString(nCFloor),
                "--yes"));
    ALLOWED.forEach(pattern -> {
      arguments.add("--architecture");
      arguments.add(pattern);
    });
    fingerprints.forEach((site, fingerprint) -> {
      arguments.add("--site");
      arguments.add(site + "=" + fingerprint);
    });
    run(arguments);
  }

  private String run(List<String> arguments) throws InterruptedException {
    return children.run(
        "consortium " + arguments.getFirst(), log, folder, programs.consortium(arguments));
  }
}
