package dev.comity.agent;

import dev.comity.agent.participation.Doctor;
import dev.comity.agent.participation.SiteDirectory;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/// `site-agent doctor`.
@Command(
    name = "doctor",
    description = {
      "Looks at settings, keys, certificate, membership, clock, disk, policy, data, native libraries"
          + " and the way to the aggregator, and says what mends what is wrong.",
      "Works whether the agent runs or not."
    },
    mixinStandardHelpOptions = true,
    versionProvider = AgentCommand.Version.class,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:nothing failed; there may be warnings",
      "1:something failed",
      "2:wrong usage"
    })
final class DoctorCommand implements Callable<Integer> {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Option(names = "--dir", required = true, description = "The folder of a site that has joined.")
  private Path directory;

  @Option(names = "--json", description = "Prints JSON.")
  private boolean json;

  @Override
  public Integer call() {
    List<Doctor.Check> checks = Doctor.examine(new SiteDirectory(directory), Clock.systemUTC());
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(document(checks));
    } else {
      checks.forEach(check -> print(check, out));
    }
    out.flush();
    return checks.stream().anyMatch(check -> check.level() == Doctor.Level.FAIL)
        ? CommandLine.ExitCode.SOFTWARE
        : CommandLine.ExitCode.OK;
  }

  private static void print(Doctor.Check check, PrintWriter out) {
    out.printf("%-4s  %-12s  %s%n", word(check.level()), check.name(), check.text());
    if (!check.remedy().isEmpty()) {
      out.printf("%-4s  %-12s  -> %s%n", "", "", check.remedy());
    }
  }

  private static String word(Doctor.Level level) {
    return switch (level) {
      case OK, WARN -> level.name().toLowerCase(Locale.ROOT);
      case FAIL -> level.name();
    };
  }

  private static String document(List<Doctor.Check> checks) {
    var mapper = JsonMapper.builder().build();
    var root = mapper.createArrayNode();
    for (Doctor.Check check : checks) {
      root.addObject()
          .put("check", check.name())
          .put("level", word(check.level()))
          .put("text", check.text())
          .put("remedy", check.remedy());
    }
    return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(root);
  }
}
