package dev.comity.consortium;

import dev.comity.membership.Invitation;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedInvitation;
import dev.comity.membership.SignedMembership;
import java.nio.file.Path;
import java.time.Clock;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "verify",
    description = {
      "Checks a signed membership (JSON) or an invitation (token) without any connection.",
      "Exit code 0 means signed by the consortium and not expired."
    },
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class VerifyCommand implements Callable<Integer> {
  private final Clock clock;

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "What to check.")
  private Path file;

  @ArgGroup(multiplicity = "1")
  private Key key;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  VerifyCommand(Clock clock) {
    this.clock = clock;
  }

  static final class Key {
    @Option(
        names = "--dir",
        paramLabel = "FOLDER",
        description = "The consortium's folder, whose public key must have signed.")
    private @Nullable Path folder;

    @Option(
        names = "--key",
        paramLabel = "HEX",
        description = "The consortium's public key, 64 hexadecimal digits.")
    private @Nullable String hex;
  }

  @Override
  public Integer call() {
    String text = ConsortiumFolder.read(file).strip();
    boolean membership = text.startsWith("{");
    MessagePublicKey consortium = consortium(membership);
    return membership ? membership(text, consortium) : invitation(text, consortium);
  }

  /// Memberships are verified from the consortium's first key, invitations are of its present one.
  private MessagePublicKey consortium(boolean first) {
    if (key.hex != null) {
      return MessagePublicKey.fromHex(key.hex);
    }
    if (key.folder != null) {
      ConsortiumFolder consortium = new ConsortiumFolder(key.folder);
      return first ? consortium.root() : consortium.publicKey();
    }
    throw new IllegalStateException("neither --dir nor --key, of which one is required");
  }

  private int membership(String text, MessagePublicKey consortium) {
    SignedMembership signed = Json.membership(file.toString(), Json.parse(file.toString(), text));
    MembershipEpoch epoch = signed.verify(consortium);
    boolean expired = epoch.expired(clock.instant());
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(
          Json.pretty(
              Descriptions.json(epoch)
                  .put("digest", signed.digest().hex())
                  .put("expired", expired)));
    } else {
      Descriptions.print(epoch, out);
      out.println("digest       " + signed.digest());
      out.println("signature    of the consortium key " + consortium);
    }
    return verdict(expired, "the membership expired at " + epoch.expiresAt());
  }

  private int invitation(String text, MessagePublicKey consortium) {
    Invitation invitation = SignedInvitation.parse(text).requireIssuedBy(consortium);
    boolean expired = invitation.expired(clock.instant());
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(
          Json.pretty(
              Json.object()
                  .put("federation", invitation.federation().value())
                  .put("site", invitation.site().value())
                  .put("url", invitation.url().toString())
                  .put("caPin", invitation.caPin().hex())
                  .put("expiresAt", invitation.expiresAt().toString())
                  .put("expired", expired)));
    } else {
      out.println("invitation   of " + invitation.site() + " to " + invitation.federation());
      out.println("aggregator   " + invitation.url());
      out.println("CA pin       " + invitation.caPin());
      out.println("valid until  " + invitation.expiresAt());
      out.println("signature    of the consortium key " + consortium);
    }
    return verdict(expired, "the invitation expired at " + invitation.expiresAt());
  }

  private int verdict(boolean expired, String sentence) {
    if (expired) {
      spec.commandLine().getErr().println("verify: " + sentence);
      return ConsortiumCommand.REFUSED;
    }
    return 0;
  }
}
