package dev.comity.consortium;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.SignedMembership;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "show",
    description = "Shows the newest membership that was signed from this folder, or an older one.",
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class ShowCommand implements Callable<Integer> {
  private final Clock clock;

  @Spec private CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "FOLDER",
      description = "The consortium's folder; its private key is not needed.")
  private Path folder;

  @Option(
      names = "--membership",
      paramLabel = "VERSION",
      description = "Which version (default: the newest).")
  private @Nullable Long version;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  ShowCommand(Clock clock) {
    this.clock = clock;
  }

  @Override
  public Integer call() {
    ConsortiumFolder consortium = new ConsortiumFolder(folder);
    SignedMembership signed = chosen(consortium);
    MembershipEpoch epoch = consortium.epoch(signed);
    boolean taken = consortium.recorded(epoch.version()).isPresent();
    boolean expired = epoch.expired(clock.instant());
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(
          Json.pretty(
              Descriptions.json(epoch)
                  .put("digest", signed.digest().hex())
                  .put("taken", taken)
                  .put("expired", expired)
                  .put("consortium", epoch.consortium(consortium.root()).displayFingerprint())));
    } else {
      Descriptions.print(epoch, out);
      out.println("consortium   " + epoch.consortium(consortium.root()));
      out.println("digest       " + signed.digest());
      out.println(
          "state        "
              + (taken ? "taken by the aggregator" : "signed, not handed over yet: see publish")
              + (expired ? "; EXPIRED: sign the next with amend --expires P365D" : ""));
    }
    return 0;
  }

  private SignedMembership chosen(ConsortiumFolder consortium) {
    Optional<SignedMembership> signed =
        version == null ? consortium.newest() : consortium.version(version);
    return signed.orElseThrow(() ->
        new IllegalArgumentException(
            version == null
                ? folder + " holds no membership yet; admit the first sites"
                : "%s holds no membership version %d".formatted(folder, version)));
  }
}
