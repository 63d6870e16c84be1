package dev.comity.agent;

import dev.comity.agent.participation.AgentSettings;
import dev.comity.agent.participation.Approvals;
import dev.comity.agent.participation.Explanation;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.plan.RunId;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

/// `site-agent approvals`: what waits for an officer of the site, and the officer's word.
@Command(
    name = "approvals",
    description = {
      "Shows which runs wait for an officer's approval, grants and denies them.",
      "A running agent takes up a decision at once."
    },
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    subcommands = {
      ApprovalsCommand.Show.class,
      ApprovalsCommand.Grant.class,
      ApprovalsCommand.Deny.class
    })
final class ApprovalsCommand implements Runnable {
  private static final Pattern SUBJECT = Pattern.compile("[0-9a-fA-F]{12}|[0-9a-fA-F]{64}");
  private static final String NAMED =
      "As list shows them. A run's id stands for its one request that waits; a subject names one"
          + " request, also to change what was decided.";

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "name a command: list, grant or deny");
  }

  private static Approvals joined(SiteDirectory site) {
    var _ = AgentSettings.read(site);
    return Approvals.of(site);
  }

  /// Decides on what an argument names, and says which request that was.
  private static int decide(
      CommandLine.Model.CommandSpec spec,
      Path directory,
      String named,
      String word,
      Approvals.Standing decision) {
    Approvals approvals = joined(new SiteDirectory(directory));
    Approvals.Request decided =
        SUBJECT.matcher(named).matches()
            ? approvals.decide(named, decision)
            : approvals.decide(run(spec, named), decision);
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%s: run %s, subject %s%n",
        word, decided.plan().terms().run(), decided.subject().abbreviated());
    out.flush();
    return CommandLine.ExitCode.OK;
  }

  private static RunId run(CommandLine.Model.CommandSpec spec, String id) {
    try {
      return RunId.parse(id);
    } catch (IllegalArgumentException e) {
      throw new CommandLine.ParameterException(
          spec.commandLine(), "%s: neither a run's id nor a subject".formatted(id), e);
    }
  }

  private static String officer() {
    return System.getProperty("user.name", "unknown");
  }

  /// `approvals list`.
  @Command(
      name = "list",
      description = "Lists what waits.",
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Show implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Option(names = "--all", description = "Also what was decided.")
    private boolean all;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    private record Line(Approvals.Request request, Explanation explanation) {}

    @Override
    public Integer call() throws IOException {
      var site = new SiteDirectory(directory);
      List<Line> lines = new ArrayList<>();
      for (Approvals.Request request : joined(site).all()) {
        if (all || request.standing() instanceof Approvals.Standing.Waits) {
          lines.add(new Line(request, Explanation.of(site, request.plan(), Clock.systemUTC())));
        }
      }
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(document(lines));
      } else {
        lines.forEach(line -> print(line, out));
        if (lines.isEmpty()) {
          out.println("nothing waits for approval");
        }
      }
      out.flush();
      return CommandLine.ExitCode.OK;
    }

    private static void print(Line line, PrintWriter out) {
      Approvals.Request request = line.request();
      var terms = request.plan().terms();
      out.printf("run %s: %s%n", terms.run(), standing(request));
      out.printf("  asked    %s%n", request.askedAt());
      out.printf("  study    %s%n", terms.study());
      out.printf("  purpose  %s%n", terms.purpose());
      out.printf("  model    %s%n", terms.architecture());
      out.printf("  columns  %s%n", String.join(", ", request.columns()));
      out.printf(
          "  cohort   %d sites, %d honest, %d may collude%n",
          request.plan().cohort().size(), request.plan().minHonest(), request.plan().nC());
      out.printf(
          "  privacy  %s%n",
          line.explanation()
              .cost()
              .map(cost ->
                  String.format(
                      Locale.ROOT,
                      "epsilon %.4f at delta %s, each round",
                      cost.epsilon(),
                      cost.delta()))
              .orElse("no differential privacy"));
      out.printf("  subject  %s%n", request.subject().abbreviated());
    }

    private static String standing(Approvals.Request request) {
      return switch (request.standing()) {
        case Approvals.Standing.Waits() -> "waits";
        case Approvals.Standing.Granted granted -> granted.toString();
        case Approvals.Standing.Denied denied -> denied.toString();
      };
    }

    private static String document(List<Line> lines) {
      var mapper = JsonMapper.builder().build();
      var root = mapper.createArrayNode();
      for (Line line : lines) {
        Approvals.Request request = line.request();
        var terms = request.plan().terms();
        var node =
            root.addObject()
                .put("run", terms.run().toString())
                .put("standing", standing(request))
                .put("askedAt", request.askedAt().toString())
                .put("study", terms.study())
                .put("purpose", terms.purpose())
                .put("architecture", terms.architecture().toString())
                .put("cohort", request.plan().cohort().size())
                .put("minHonest", request.plan().minHonest())
                .put("nC", request.plan().nC())
                .put("subject", request.subject().hex());
        line.explanation().cost().ifPresent(cost -> node.put("epsilon", cost.epsilon()));
        var columns = node.putArray("columns");
        request.columns().forEach(columns::add);
      }
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }
  }

  /// `approvals grant`.
  @Command(
      name = "grant",
      description = {
        "Approves what a run asks. Later rounds of it need no approval as long as study, purpose,"
            + " model, data contract and privacy stay what they are; otherwise it waits again, with"
            + " a subject of its own."
      },
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Grant implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Parameters(paramLabel = "SUBJECT|RUN", description = NAMED)
    private String named;

    @Override
    public Integer call() {
      return decide(
          spec,
          directory,
          named,
          "granted",
          new Approvals.Standing.Granted(officer(), Clock.systemUTC().instant()));
    }
  }

  /// `approvals deny`.
  @Command(
      name = "deny",
      description = {
        "Denies what a run asks: its rounds are refused from the next one on. The researcher hears"
            + " that an officer denied it.",
        "What was contributed before stays; withdraw also erases what is stored."
      },
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Deny implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Option(names = "--reason", description = "Kept at the site.")
    private @Nullable String reason;

    @Option(names = "--tell", description = "Also tells the researcher the reason.")
    private boolean tell;

    @Parameters(paramLabel = "SUBJECT|RUN", description = NAMED)
    private String named;

    @Override
    public Integer call() {
      if (tell && reason == null) {
        throw new CommandLine.ParameterException(
            spec.commandLine(), "--tell: there is nothing to tell; give --reason");
      }
      return decide(
          spec,
          directory,
          named,
          "denied",
          new Approvals.Standing.Denied(
              officer(), Clock.systemUTC().instant(), Optional.ofNullable(reason), tell));
    }
  }
}
