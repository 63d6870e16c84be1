package dev.comity.agent;

import dev.comity.agent.participation.Explanation;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.agent.policy.Finding;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// `site-agent policy`: what the site's policy means.
@Command(
    name = "policy",
    description = "Shows what the site's policy says of a plan, and what a policy may look like.",
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    subcommands = {PolicyCommand.Explain.class, PolicyCommand.Example.class})
final class PolicyCommand implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "name a command: explain or example");
  }

  /// `policy explain`.
  @Command(
      name = "explain",
      description = {
        "Says what would happen to a plan now, rule by rule.",
        "It reads the files as they are: an agent that runs has the policy that it read when it"
            + " started."
      },
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:this site would take part",
        "1:failed; the reason is on standard error",
        "2:wrong usage",
        "3:this site would refuse",
        "4:the plan would wait for an officer's approval"
      })
  static final class Explain implements Callable<Integer> {
    private static final int WOULD_REFUSE = 3;
    private static final int WOULD_WAIT = 4;

    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
    private Path directory;

    @Option(names = "--json", description = "Prints JSON.")
    private boolean json;

    @Parameters(
        paramLabel = "PLAN",
        description = "A file that holds a plan's bytes, or the id of a run that this site knows.")
    private String plan;

    @Override
    public Integer call() throws IOException {
      var site = new SiteDirectory(directory);
      Explanation explanation = Explanation.of(site, read(site), Clock.systemUTC());
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        out.println(document(explanation));
      } else {
        print(explanation, out);
      }
      out.flush();
      return switch (explanation.outcome()) {
        case PERMITTED -> CommandLine.ExitCode.OK;
        case REFUSED -> WOULD_REFUSE;
        case WAITS_FOR_APPROVAL -> WOULD_WAIT;
      };
    }

    private RoundPlan read(SiteDirectory site) throws IOException {
      Path file = Path.of(plan);
      if (Files.isRegularFile(file)) {
        return PlanCodec.decodePlan(Files.readAllBytes(file));
      }
      RunId run;
      try {
        run = RunId.parse(plan);
      } catch (IllegalArgumentException e) {
        throw new CommandLine.ParameterException(
            spec.commandLine(), "%s: neither a file nor the id of a run".formatted(plan), e);
      }
      return Explanation.known(site, run);
    }

    private static void print(Explanation explanation, PrintWriter out) {
      var terms = explanation.plan().terms();
      out.printf("run %s, round %d (%s)%n", terms.run(), explanation.plan().round(), terms.kind());
      out.printf("  study    %s%n", terms.study());
      out.printf("  purpose  %s%n", terms.purpose());
      out.printf("  model    %s%n", terms.architecture());
      out.printf("  columns  %s%n", String.join(", ", explanation.columns()));
      out.printf(
          "  cohort   %d sites, at least %d ready, %d honest, %d may collude%n",
          explanation.plan().cohort().size(),
          explanation.plan().minReady(),
          explanation.plan().minHonest(),
          explanation.plan().nC());
      out.printf(
          "  privacy  %s%n%n",
          explanation
              .cost()
              .map(cost ->
                  String.format(
                      Locale.ROOT,
                      "epsilon %.4f at delta %s for this round",
                      cost.epsilon(),
                      cost.delta()))
              .orElse("no differential privacy"));
      for (Finding finding : explanation.findings()) {
        out.printf(
            "%-4s  %-24s  %s%n", finding.holds() ? "ok" : "NO", finding.rule(), finding.text());
      }
      out.printf(
          "%n%s%n",
          switch (explanation.outcome()) {
            case PERMITTED -> "This site would take part.";
            case REFUSED -> "This site would refuse.";
            case WAITS_FOR_APPROVAL ->
                "The plan would wait for an officer: site-agent approvals grant or deny.";
          });
    }

    private static String document(Explanation explanation) {
      var mapper = JsonMapper.builder().build();
      var terms = explanation.plan().terms();
      ObjectNode root = mapper.createObjectNode();
      root.put("outcome", explanation.outcome().name())
          .put("run", terms.run().toString())
          .put("round", explanation.plan().round())
          .put("kind", terms.kind().name())
          .put("study", terms.study())
          .put("purpose", terms.purpose())
          .put("architecture", terms.architecture().toString())
          .put("cohort", explanation.plan().cohort().size());
      explanation
          .cost()
          .ifPresent(cost -> root.put("epsilon", cost.epsilon()).put("delta", cost.delta()));
      var columns = root.putArray("columns");
      explanation.columns().forEach(columns::add);
      var findings = root.putArray("findings");
      for (Finding finding : explanation.findings()) {
        findings
            .addObject()
            .put("rule", finding.rule())
            .put("holds", finding.holds())
            .put("text", finding.text());
      }
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
    }
  }

  /// `policy example`.
  @Command(
      name = "example",
      description = "Prints a whole policy file that explains every key; join writes the same.",
      mixinStandardHelpOptions = true,
      versionProvider = AgentCommand.Version.class)
  static final class Example implements Callable<Integer> {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
      PrintWriter out = spec.commandLine().getOut();
      out.print(SiteDirectory.examplePolicy());
      out.flush();
      return CommandLine.ExitCode.OK;
    }
  }
}
