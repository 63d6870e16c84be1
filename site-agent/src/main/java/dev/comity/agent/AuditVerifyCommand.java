package dev.comity.agent;

import dev.comity.agent.audit.LineageReport;
import dev.comity.agent.audit.LineageVerifier;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `site-agent audit verify`: needs no site, no aggregator and no network.
@Command(
    name = "verify",
    description = "Checks a model's whole lineage from an export, offline.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class)
final class AuditVerifyCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Parameters(paramLabel = "EXPORT", description = "The archive that the aggregator gave.")
  private Path export;

  @Option(
      names = "--consortium",
      required = true,
      paramLabel = "KEY",
      description =
          "The consortium's public key file, or its fingerprint as told by the consortium.")
  private String consortium;

  @Option(
      names = "--witnesses",
      defaultValue = "0",
      description = "How many sites must have countersigned all of it (default: ${DEFAULT-VALUE}).")
  private int witnesses;

  @Override
  public Integer call() throws IOException {
    LineageReport report = LineageVerifier.verify(export, fingerprint());
    PrintWriter out = spec.commandLine().getOut();
    print(report, out);
    int found = report.witnesses().size();
    if (found < witnesses) {
      out.flush();
      throw new IllegalStateException(
          "%d sites countersigned all of it; --witnesses asks for %d".formatted(found, witnesses));
    }
    out.println("everything holds");
    out.flush();
    return CommandLine.ExitCode.OK;
  }

  private Digest fingerprint() throws IOException {
    try {
      Path file = Path.of(consortium);
      if (Files.isRegularFile(file)) {
        return MessagePublicKey.fromHex(Files.readString(file, StandardCharsets.US_ASCII).strip())
            .fingerprint();
      }
      return MessagePublicKey.parseFingerprint(consortium);
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(),
          "--consortium %s: neither a file with a public key nor a fingerprint; %s"
              .formatted(consortium, e.getMessage()),
          e);
    }
  }

  private static void print(LineageReport report, PrintWriter out) {
    var model = report.model();
    out.printf("model          %s%n", model.digest());
    out.printf(
        "               version %d of run %s, %s%n",
        model.version(), model.run(), model.architecture());
    out.printf(
        "membership     version %d of federation %s, %d members, signed by the consortium%n",
        report.membership().version(),
        report.membership().federation(),
        report.membership().members().size());
    out.printf(
        "audit log      %d leaves at %s, signed by the aggregator; %d of them proven here%n",
        report.head().size(), report.head().at(), report.leaves());
    out.printf("version 0      follows from the seed%n");
    for (LineageReport.Round round : report.rounds()) {
      out.printf(
          "version %-6d round %d: %d of %d sites, %d votes (%d needed)%s; sum checked, step recomputed%n",
          round.version(),
          round.round(),
          round.survivors(),
          round.roster(),
          round.votes(),
          round.threshold(),
          round.failed() == 0 ? "" : ", %d sessions without a sum".formatted(round.failed()));
    }
    out.printf(
        "countersigned  by %d of %d members over all of it%s%n",
        report.witnesses().size(),
        report.membership().members().size(),
        report.witnesses().isEmpty()
            ? ""
            : report.witnesses().stream()
                .map(site -> site.value())
                .collect(Collectors.joining(", ", ": ", "")));
  }
}
