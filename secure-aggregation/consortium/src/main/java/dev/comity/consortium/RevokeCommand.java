package dev.comity.consortium;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.SiteId;
import java.time.Clock;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "revoke",
    description = {
      "Signs a membership without a site, whose key never returns.",
      "Sessions that run over the site abort, unless their sum is certified already. The site may"
          + " come back with a new invitation and a new key."
    },
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class RevokeCommand extends ChangingCommand {
  @Parameters(paramLabel = "SITE", description = "The member to revoke.")
  private String site;

  @Option(
      names = "--reason",
      defaultValue = "revoked by the consortium",
      paramLabel = "TEXT",
      description = "Why; every site and operator reads it (default: ${DEFAULT-VALUE}).")
  private String reason;

  RevokeCommand(Clock clock, Confirmation confirmation) {
    super(clock, confirmation);
  }

  @Override
  MembershipEpoch next(Basis basis, Told told) {
    return replaceKey(draft(basis), new SiteId(site), Optional.empty(), reason);
  }
}
