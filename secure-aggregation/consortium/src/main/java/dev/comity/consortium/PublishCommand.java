package dev.comity.consortium;

import dev.comity.codec.MalformedException;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.SignedMembership;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "publish",
    description = {
      "Hands signed memberships to the aggregator: those of the folder that it has not taken yet,"
          + " or the files given, in this order.",
      "With files it needs no folder and no key of the consortium's."
    },
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class PublishCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--dir",
      paramLabel = "FOLDER",
      description = "The consortium's folder; its private key is not needed.")
  private @Nullable Path folder;

  @Option(
      names = "--url",
      required = true,
      paramLabel = "URL",
      description = "The aggregator's address, such as https://host:8443.")
  private URI url;

  @Option(
      names = "--token-file",
      required = true,
      paramLabel = "FILE",
      description = "A file with an API token of role ADMIN.")
  private Path tokenFile;

  @Option(
      names = "--ca-pin",
      paramLabel = "HEX",
      description = "Pin of the aggregator's CA (default: the one that the folder remembers).")
  private @Nullable String caPin;

  @Parameters(
      paramLabel = "FILE",
      arity = "0..*",
      description = "Signed memberships that --out wrote.")
  private List<Path> files = new ArrayList<>();

  @Override
  public Integer call() {
    String apiToken = ConsortiumFolder.read(tokenFile).strip();
    if (folder == null) {
      if (caPin == null || files.isEmpty()) {
        throw new IllegalArgumentException("without --dir give --ca-pin and the files to publish");
      }
      publishFiles(apiToken);
    } else {
      if (!files.isEmpty()) {
        throw new IllegalArgumentException("give --dir or files, not both");
      }
      publishFolder(new ConsortiumFolder(folder), apiToken);
    }
    return 0;
  }

  private void publishFiles(String apiToken) {
    List<SignedMembership> signed = new ArrayList<>();
    for (Path file : files) {
      String what = file.toString();
      try {
        signed.add(Json.membership(what, Json.parse(what, ConsortiumFolder.read(file))));
      } catch (IllegalArgumentException e) {
        throw new MalformedException(what + ": " + e.getMessage(), e);
      }
    }
    try (Aggregator aggregator =
        Aggregator.connect(url, SigningCommand.pin(new ConsortiumFolder(Path.of(".")), caPin))) {
      for (int i = 0; i < files.size(); i++) {
        aggregator.publish(signed.get(i), apiToken);
        spec.commandLine().getOut().println("taken  " + files.get(i));
      }
    }
  }

  private void publishFolder(ConsortiumFolder consortium, String apiToken) {
    try (Aggregator aggregator = Aggregator.connect(url, SigningCommand.pin(consortium, caPin))) {
      consortium.meet(aggregator.federation());
      long held =
          SigningCommand.held(consortium, aggregator)
              .map(consortium::epoch)
              .map(MembershipEpoch::version)
              .orElse(0L);
      for (SignedMembership pending : consortium.pendingAfter(held)) {
        aggregator.publish(pending, apiToken);
        Path file = consortium.confirm(consortium.epoch(pending).version());
        spec.commandLine().getOut().println("taken  " + file);
      }
    }
  }
}
