package dev.comity.consortium;

import dev.comity.membership.MessagePublicKey;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "init",
    description = "Makes the consortium's key in a new folder and prints its fingerprint.",
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class InitCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "FOLDER",
      description = "Where the key shall lie; made with mode 0700 if it is missing.")
  private Path folder;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Override
  public Integer call() {
    MessagePublicKey key = ConsortiumFolder.create(folder).key().publicKey();
    var out = spec.commandLine().getOut();
    Path publicKey = folder.resolve("consortium.pub");
    if (json) {
      out.println(
          Json.pretty(
              Json.object()
                  .put("publicKey", key.hex())
                  .put("fingerprint", key.displayFingerprint())
                  .put("publicKeyFile", publicKey.toString())));
    } else {
      out.println("Consortium key made in " + folder);
      out.println("fingerprint  " + key.displayFingerprint());
      out.println("public key   " + publicKey + " (give it to the aggregator)");
    }
    return 0;
  }
}
