package dev.comity.agent;

import dev.comity.accounting.PrivacyEvent;
import dev.comity.accounting.PrivacyLoss;
import dev.comity.agent.participation.DeltaAdvice;
import dev.comity.agent.participation.LedgerReport;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.ledger.LedgerEntry;
import dev.comity.plan.Digest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `site-agent ledger`: what the site's data have cost in privacy.
@Command(
    name = "ledger",
    description = "Shows and checks what the site's data have cost in privacy.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    subcommands = {LedgerCommand.Show.class, LedgerCommand.Verify.class})
final class LedgerCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(spec.commandLine(), "name a command: show or verify");
  }

  /// `ledger show`.
  @Command(
      name = "show",
      description = "Prints the budget, what was spent of it, and every entry.",
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Show implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
      var site = new SiteDirectory(directory);
      LedgerReport report = LedgerReport.read(site);
      DeltaAdvice advice = DeltaAdvice.read(site);
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(document(report, advice));
      } else {
        print(report, advice, out);
      }
      out.flush();
      return CommandLine.ExitCode.OK;
    }

    private static void print(LedgerReport report, DeltaAdvice advice, PrintWriter out) {
      var statement = report.statement();
      out.printf(
          "privacy ledger of site %s: %d entries, head %s%n",
          report.site(), statement.entries().size(), statement.head().hex());
      out.printf(
          Locale.ROOT,
          "budget for life       epsilon %s at delta %s%n",
          report.budget().epsilon(),
          report.budget().delta());
      switch (advice) {
        case FITS -> {
          // As suggested.
        }
        case TOO_LARGE ->
            out.println(
                "WARNING: delta is larger than suggested for this site's N records, at most 1e-5 and 1/(10 N); lower privacy.delta in policy.yaml");
        case UNKNOWN ->
            out.println(
                "delta was not compared with the number of records: the data cannot be read now");
      }
      out.printf("charged               %s%n", epsilon(statement.charged()));
      out.printf("charged and reserved  %s%n", epsilon(statement.committed()));
      statement
          .studies()
          .forEach((study, loss) ->
              out.printf("  of it study %s: %s%n", study, epsilon(Optional.of(loss))));
      out.printf("released without differential privacy: %d updates%n", statement.unbounded());
      if (statement.torn()) {
        out.println("the file ends in an entry that a power cut tore; the agent takes it off");
      }
      if (!statement.entries().isEmpty()) {
        out.printf("%n%5s  %-24s  %-8s  %-12s  %s%n", "entry", "at", "what", "update", "");
      }
      for (LedgerEntry entry : statement.entries()) {
        out.printf(
            "%5d  %-24s  %-8s  %-12s  %s%n",
            entry.number(),
            entry.at(),
            name(entry.action()),
            entry.action().terms().abbreviated(),
            details(entry.action()));
      }
    }

    private static String epsilon(Optional<PrivacyLoss> loss) {
      return loss.map(spent ->
              String.format(Locale.ROOT, "epsilon %.4f (%s)", spent.epsilon(), spent.method()))
          .orElse("epsilon 0");
    }

    private static String name(LedgerEntry.Action action) {
      return switch (action) {
        case LedgerEntry.Action.Reserve _ -> "reserve";
        case LedgerEntry.Action.Charge _ -> "charge";
        case LedgerEntry.Action.Refund _ -> "refund";
        case LedgerEntry.Action.Release _ -> "release";
      };
    }

    private static String details(LedgerEntry.Action action) {
      return switch (action) {
        case LedgerEntry.Action.Reserve reserve ->
            "study %s, run %s, from version %d: %s"
                .formatted(
                    reserve.study(),
                    reserve.run(),
                    reserve.baseVersion(),
                    reserve.event().map(Show::cost).orElse("no differential privacy"));
        case LedgerEntry.Action.Charge charge -> "session " + charge.session().abbreviated();
        case LedgerEntry.Action.Refund refund ->
            "session %s, proof %s"
                .formatted(refund.session().abbreviated(), refund.proof().abbreviated());
        case LedgerEntry.Action.Release _ -> "nothing was sent";
      };
    }

    private static String cost(PrivacyEvent event) {
      return switch (event) {
        case PrivacyEvent.PoissonGaussian(double sigma, double rate, long steps) ->
            "noise %s, sampling rate %s, %d steps".formatted(sigma, rate, steps);
        case PrivacyEvent.Gaussian(double sigma, long count) ->
            "noise %s, %d times".formatted(sigma, count);
        case PrivacyEvent.DiscreteGaussianInteger integer ->
            "integer noise %s on sensitivity %d, %d times"
                .formatted(integer.sigma(), integer.sensitivity(), integer.count());
        case PrivacyEvent.DiscreteGaussianSum sum ->
            "integer noise %s of each of %d sites on squared sensitivity %s, %d coordinates, %d times"
                .formatted(
                    sum.localSigma(),
                    sum.contributors(),
                    sum.squaredSensitivity(),
                    sum.dimension(),
                    sum.count());
      };
    }

    private static String document(LedgerReport report, DeltaAdvice advice) {
      var mapper = JsonMapper.builder().build();
      var statement = report.statement();
      ObjectNode root = mapper.createObjectNode();
      root.put("site", report.site().value());
      root.put("head", statement.head().hex());
      root.putObject("budget")
          .put("epsilon", report.budget().epsilon())
          .put("delta", report.budget().delta())
          .put("deltaAdvice", advice.name());
      root.put("charged", statement.charged().map(PrivacyLoss::epsilon).orElse(0.0));
      root.put("committed", statement.committed().map(PrivacyLoss::epsilon).orElse(0.0));
      var studies = root.putObject("studies");
      statement.studies().forEach((study, loss) -> studies.put(study, loss.epsilon()));
      root.put("withoutNoise", statement.unbounded());
      root.put("torn", statement.torn());
      var entries = root.putArray("entries");
      for (LedgerEntry entry : statement.entries()) {
        entries
            .addObject()
            .put("entry", entry.number())
            .put("at", entry.at().toString())
            .put("what", name(entry.action()))
            .put("terms", entry.action().terms().hex())
            .put("digest", entry.digest().hex())
            .put("details", details(entry.action()));
      }
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }
  }

  /// `ledger verify`.
  @Command(
      name = "verify",
      description = "Checks every entry and its link to the one before.",
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Verify implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Option(
        names = "--head",
        description =
            "A head that the ledger had once, 64 hexadecimal digits: from an earlier show, or from"
                + " this site's first message in a session's transcript. It must still be there.")
    private @Nullable String head;

    @Override
    public Integer call() throws IOException {
      var report = LedgerReport.read(new SiteDirectory(directory));
      var statement = report.statement();
      if (head != null && !statement.held(Digest.fromHex(head))) {
        throw new IllegalStateException(
            "the privacy ledger of site %s never had the head %s: it was set back or exchanged; enrol the site anew"
                .formatted(report.site(), head));
      }
      PrintWriter out = spec.commandLine().getOut();
      out.printf(
          "holds: %d entries, head %s%n", statement.entries().size(), statement.head().hex());
      out.flush();
      return CommandLine.ExitCode.OK;
    }
  }
}
