package dev.comity.consortium;

import dev.comity.membership.Invitation;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedInvitation;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "invite",
    description = {
      "Signs an invitation for one site and prints its token, which enrols one key once.",
      "Hand the token to the site over a channel that you trust."
    },
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class InviteCommand implements Callable<Integer> {
  private final Clock clock;
  private final Confirmation confirmation;

  @Spec private CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "FOLDER",
      description = "The consortium's folder, made by init.")
  private Path folder;

  @Option(names = "--site", required = true, paramLabel = "ID", description = "The site's name.")
  private String site;

  @Option(
      names = "--url",
      required = true,
      paramLabel = "URL",
      description = "The aggregator's address as the site reaches it, such as https://host:8443.")
  private URI url;

  @ArgGroup(multiplicity = "0..1")
  private @Nullable Trust trust;

  @Option(
      names = "--expires",
      defaultValue = "P7D",
      paramLabel = "DURATION",
      description = "How long the token serves, ISO 8601 (default: ${DEFAULT-VALUE}).")
  private Duration expires;

  @Option(names = "--json", description = "Print one JSON object instead of the token alone.")
  private boolean json;

  @Option(names = "--yes", description = "Sign without asking.")
  private boolean yes;

  InviteCommand(Clock clock, Confirmation confirmation) {
    this.clock = clock;
    this.confirmation = confirmation;
  }

  static final class Trust {
    @Option(
        names = "--ca-pin",
        paramLabel = "HEX",
        description = "SHA-256 of the public key of the aggregator's CA, told by its operator.")
    private @Nullable String caPin;

    @Option(
        names = "--federation-info",
        paramLabel = "FILE",
        description =
            "What GET /api/v1/federation answers, fetched by the aggregator's operator; then no connection is made.")
    private @Nullable Path federationInfo;
  }

  @Override
  public Integer call() {
    ConsortiumFolder consortium = new ConsortiumFolder(folder);
    MessageKey key = consortium.key();
    SiteId invited = new SiteId(site);
    if (expires.isNegative() || expires.isZero()) {
      throw new IllegalArgumentException("--expires %s: must be above 0".formatted(expires));
    }
    Digest known = consortium.acquaintance().map(ConsortiumFolder.Acquaintance::caPin).orElse(null);
    FederationInfo info;
    if (trust != null && trust.federationInfo != null) {
      info =
          FederationInfo.parse(
              trust.federationInfo.toString(), ConsortiumFolder.read(trust.federationInfo));
    } else if (trust != null && trust.caPin != null) {
      info = federation(MessagePublicKey.parseFingerprint(trust.caPin));
    } else if (known != null) {
      info = federation(known);
    } else {
      spec.commandLine()
          .getErr()
          .println(
              "%s shows a CA with pin %s; compare it with the pin that the aggregator's operator tells you and repeat with --ca-pin"
                  .formatted(url, Aggregator.introduction(url).caPin()));
      return ConsortiumCommand.ASKS;
    }
    consortium.meet(info);
    Instant expiresAt = clock.instant().plus(expires).truncatedTo(ChronoUnit.MILLIS);
    if (!yes) {
      var err = spec.commandLine().getErr();
      err.println(
          "To be signed: an invitation of site %s to federation %s, good for one enrolment until %s, by the consortium key %s"
              .formatted(invited, info.federation(), expiresAt, key.publicKey()));
      if (!confirmation.given(err)) {
        throw new IllegalArgumentException(
            "not confirmed, so nothing was signed; type yes when asked, or give --yes");
      }
    }
    SignedInvitation invitation =
        SignedInvitation.sign(
            new Invitation(
                info.federation(),
                invited,
                Invitation.newNonce(),
                expiresAt,
                url,
                info.caPin(),
                key.publicKey()),
            key);
    print(invitation);
    return 0;
  }

  private FederationInfo federation(Digest caPin) {
    try (Aggregator aggregator = Aggregator.connect(url, caPin)) {
      return aggregator.federation();
    }
  }

  private void print(SignedInvitation signed) {
    Invitation invitation = signed.invitation();
    var command = spec.commandLine();
    if (json) {
      command
          .getOut()
          .println(
              Json.pretty(
                  Json.object()
                      .put("federation", invitation.federation().value())
                      .put("site", invitation.site().value())
                      .put("url", invitation.url().toString())
                      .put("caPin", invitation.caPin().hex())
                      .put("expiresAt", invitation.expiresAt().toString())
                      .put("token", signed.token())));
    } else {
      command.getOut().println(signed.token());
      command
          .getErr()
          .println(
              "Invitation of %s to %s, good for one enrolment until %s"
                  .formatted(invitation.site(), invitation.federation(), invitation.expiresAt()));
    }
  }
}
