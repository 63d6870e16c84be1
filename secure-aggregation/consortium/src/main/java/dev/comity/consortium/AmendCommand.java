package dev.comity.consortium;

import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "amend",
    description =
        "Signs a membership with the same members and other terms: --expires, --n-c-floor,"
            + " --architecture.",
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class AmendCommand extends ChangingCommand {
  @Option(
      names = "--n-c-floor",
      paramLabel = "N",
      description = "The least number of colluding sites that any plan must withstand.")
  private @Nullable Integer nCFloor;

  @Option(
      names = "--architecture",
      paramLabel = "PATTERN",
      description =
          "An allowed architecture, a family or one model as mlp(60,32,10); repeatable, and the whole list from now on.")
  private List<String> architectures = new ArrayList<>();

  AmendCommand(Clock clock, Confirmation confirmation) {
    super(clock, confirmation);
  }

  @Override
  MembershipEpoch next(Basis basis, Told told) {
    if (nCFloor == null && architectures.isEmpty() && !expiryTold()) {
      throw new IllegalArgumentException(
          "nothing to amend; give --expires, --n-c-floor or --architecture");
    }
    MembershipEpoch draft = draft(basis);
    return new MembershipEpoch(
        draft.federation(),
        draft.version(),
        draft.issuedAt(),
        draft.expiresAt(),
        draft.aggregator(),
        draft.members(),
        draft.revocations(),
        nCFloor == null ? draft.nCFloor() : nCFloor,
        architectures.isEmpty()
            ? draft.allowedArchitectures()
            : architectures.stream().map(ArchitecturePattern::new).toList(),
        draft.previous(),
        draft.handOvers());
  }
}
