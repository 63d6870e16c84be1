package dev.comity.simulation;

import dev.comity.plan.Quorum;
import dev.comity.session.GraphRule;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SignedView;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Times sessions of many sites.
@Command(
    name = "scale",
    mixinStandardHelpOptions = true,
    description =
        "Runs one session of many sites in this process and reports time and bytes of a site and of"
            + " the aggregator. The aggregator and the sites of the sample do all that they do in"
            + " production. The other sites send the same bytes without checking what they are"
            + " shown, unless they are WHOLE. Sites drop out after P2.")
final class ScaleCommand implements Callable<Integer> {
  private static final int LEAST_SITES = 8;
  private static final int MOST_WHOLE = 3000; // what each keeps grows with all: beyond, no memory
  private static final int MOST_DROP_OUTS = 40;
  private static final String LIGHT =
      "The other sites send the bytes that the same code gives them, untimed, and neither read nor"
          + " check nor store what they are shown.";
  private static final double MEBI = 1 << 20;
  private static final double KIBI = 1 << 10;

  @Spec private CommandSpec spec;

  @Option(
      names = "--sites",
      paramLabel = "N",
      defaultValue = "1000",
      description = "8 to 10000; above 512 on a ring (default ${DEFAULT-VALUE})")
  private int sites;

  @Option(
      names = "--coordinates",
      paramLabel = "D",
      defaultValue = "100000",
      description = "parameters of each update, 32 bits each (default ${DEFAULT-VALUE})")
  private int coordinates;

  @Option(
      names = "--drop-outs",
      paramLabel = "PERCENT",
      split = ",",
      defaultValue = "0,10,30",
      description = "sites that drop out after P2, in percent (default ${DEFAULT-VALUE})")
  private List<Integer> dropOuts;

  @Option(
      names = "--colluding",
      paramLabel = "PERCENT",
      defaultValue = "10",
      description = "n_C, in percent of the sites (default ${DEFAULT-VALUE})")
  private int colluding;

  @Option(
      names = "--sample",
      paramLabel = "N",
      defaultValue = "5",
      description = "sites that are timed (default ${DEFAULT-VALUE})")
  private int sample;

  @Option(
      names = "--bulk",
      paramLabel = "HOW",
      defaultValue = "SPARING",
      description =
          "how the sites beside the sample answer: WHOLE as the sample does, but what several of"
              + " them compute once (up to 3000 sites); LIGHT with the same bytes, checking nothing;"
              + " SPARING as LIGHT, but without what neither the aggregator nor the sample sees: the"
              + " agreements among them and masks that would cancel (default ${DEFAULT-VALUE})")
  private ScaleRun.Bulk bulk;

  @Override
  public Integer call() {
    check("--sites", sites, LEAST_SITES, most());
    check("--coordinates", coordinates, 2, 10_000_000);
    check("--colluding", colluding, 0, 30);
    check("--sample", sample, 1, sites / 2);
    dropOuts.forEach(percent -> check("--drop-outs", percent, 0, MOST_DROP_OUTS));
    int nC = sites * colluding / 100;
    Quorum quorum = new Quorum(sites, nC, SimulatedFederation.MIN_HONEST);
    int least = sites - sites * dropOuts.stream().max(Integer::compare).orElse(0) / 100;
    if (least < quorum.minSurvivors()) {
      throw refused(
          "--drop-outs leaves %d of %d sites; must be >= m = %d at n_C = %d"
              .formatted(least, sites, quorum.minSurvivors(), nC));
    }
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%d sites, n_C = %d, T = %d, m = %d, %d coordinates of 32 bits, %d cores, heap <= %d MiB%n",
        sites,
        nC,
        quorum.threshold(),
        quorum.minSurvivors(),
        coordinates,
        Runtime.getRuntime().availableProcessors(),
        (long) (Runtime.getRuntime().maxMemory() / MEBI));
    out.printf(
        "milliseconds are processor time of one core: of the aggregator, whole, and of %d sites,"
            + " alone, as the last of each phase; these compute and check everything themselves. "
            + others()
            + "%n",
        sample);
    out.flush();
    boolean equal = true;
    long begun = System.nanoTime();
    for (Map.Entry<Integer, List<Integer>> group : byRule().entrySet()) {
      equal &= run(out, nC, rule(group.getKey()), group.getValue());
    }
    out.printf("all of it took %.0f s%n", (System.nanoTime() - begun) / 1e9);
    out.flush();
    return equal ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  private int most() {
    return switch (bulk) {
      case WHOLE -> MOST_WHOLE;
      case LIGHT, SPARING -> GraphRule.MOST_SITES;
    };
  }

  private String others() {
    return switch (bulk) {
      case WHOLE ->
          "The other sites run the same code untimed; what is identical for several of them (a"
              + " signature verified, a pair's agreement) is computed once.";
      case LIGHT -> LIGHT;
      case SPARING ->
          LIGHT
              + " Between two of them a hash stands in for the agreement that encrypts shares, and two"
              + " that never drop out add no masks to each other's vectors, which would cancel.";
    };
  }

  /// The standard ring bears a fifth of the sites dropping out; more of them take one planned for
  /// it. By what the ring is planned for, in permille.
  private Map<Integer, List<Integer>> byRule() {
    int standard = GraphRule.STANDARD.dropOutPermille();
    boolean complete = sites <= GraphRule.STANDARD.mostComplete();
    return dropOuts.stream()
        .collect(
            Collectors.groupingBy(
                percent -> complete ? standard : Math.max(standard, percent * 10),
                TreeMap::new,
                Collectors.toList()));
  }

  private static GraphRule rule(int permille) {
    GraphRule standard = GraphRule.STANDARD;
    return new GraphRule(
        standard.mostComplete(),
        standard.securityExponent(),
        standard.livenessExponent(),
        permille);
  }

  private boolean run(PrintWriter out, int nC, GraphRule rule, List<Integer> percents) {
    ScaleRun scale =
        new ScaleRun(
            sites,
            nC,
            coordinates,
            sample,
            bulk,
            rule,
            what -> {
              spec.commandLine().getErr().println(what);
              spec.commandLine().getErr().flush();
            });
    out.println(
        switch (scale.graph()) {
          case SessionDescriptor.Graph.Complete _ -> "complete graph";
          case SessionDescriptor.Graph.Regular ring ->
              "ring planned for %d %% drop-outs: %d neighbours, threshold %d"
                  .formatted(rule.dropOutPermille() / 10, ring.degree(), ring.threshold());
        });
    return scale.run(percents, outcome -> print(out, outcome)).stream()
        .allMatch(ScaleRun.Outcome::equal);
  }

  private void print(PrintWriter out, ScaleRun.Outcome outcome) {
    out.printf(
        "%n%d %% drop out: %s%n",
        outcome.dropOutPercent(),
        outcome.end() == ServerSession.State.DONE
            ? "sum of %d sites, %s the plain sum"
                .formatted(outcome.survivors(), outcome.equal() ? "equal to" : "NOT")
            : "no sum: " + outcome.end());
    out.printf(
        "%-15s %12s %12s %12s | %14s %12s %12s%n",
        "shown", "site ms", "KiB to it", "KiB from it", "aggregator ms", "MiB in", "MiB out");
    outcome.site().forEach((kind, cost) -> line(out, kind.name(), cost, of(outcome, kind)));
    line(
        out,
        "total",
        sum(outcome.site()),
        sum(outcome.aggregator()).plus(new ScaleRun.Cost(outcome.recovery(), 0, 0)));
    out.printf("%-55s | %14.0f%n", "of which masks taken off the sum", outcome.recovery());
    out.flush();
  }

  private static ScaleRun.Cost of(ScaleRun.Outcome outcome, SignedView.Kind kind) {
    return outcome.aggregator().getOrDefault(kind, ScaleRun.Cost.NONE);
  }

  private static ScaleRun.Cost sum(Map<SignedView.Kind, ScaleRun.Cost> costs) {
    return costs.values().stream().reduce(ScaleRun.Cost.NONE, ScaleRun.Cost::plus);
  }

  private static void line(
      PrintWriter out, String what, ScaleRun.Cost site, ScaleRun.Cost aggregator) {
    out.printf(
        "%-15s %12.1f %12.1f %12.1f | %14.0f %12.1f %12.1f%n",
        what,
        site.milliseconds(),
        site.received() / KIBI,
        site.sent() / KIBI,
        aggregator.milliseconds(),
        aggregator.received() / MEBI,
        aggregator.sent() / MEBI);
  }

  private void check(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw refused("%s %d: must be %d to %d".formatted(option, value, least, most));
    }
  }

  private CommandLine.ParameterException refused(String what) {
    return new CommandLine.ParameterException(spec.commandLine(), what);
  }
}
