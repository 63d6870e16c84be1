package dev.comity.consortium;

import dev.comity.membership.KeySuccession;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MembershipEpoch.HandOver;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.plan.SiteId;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "rotate",
    description = {
      "Signs a membership in which a key is replaced; the former one never returns.",
      "A site's message key: by the statement of its present key (--statement), or a key whose"
          + " fingerprint the site told you (--key, --fingerprint). The consortium's own key: the"
          + " present one signs one last membership, which names the new one."
    },
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class RotateCommand extends ChangingCommand {
  @ArgGroup(multiplicity = "1")
  private Subject subject;

  static final class Subject {
    @ArgGroup(exclusive = false)
    private @Nullable OfSite ofSite;

    @Option(names = "--consortium", description = "Replace the consortium's own key.")
    private boolean consortium;
  }

  static final class OfSite {
    @Option(names = "--site", required = true, paramLabel = "ID", description = "The member.")
    private String site;

    @ArgGroup(multiplicity = "1")
    private NewKey newKey;
  }

  static final class NewKey {
    @Option(
        names = "--statement",
        paramLabel = "FILE",
        description = "The site's statement, one line, signed by its present and its new key.")
    private @Nullable Path statement;

    @ArgGroup(exclusive = false)
    private @Nullable Told told;
  }

  static final class Told {
    @Option(
        names = "--key",
        required = true,
        paramLabel = "HEX",
        description = "The site's new message key, 64 hexadecimal digits.")
    private String key;

    @Option(
        names = "--fingerprint",
        required = true,
        paramLabel = "FINGERPRINT",
        description = "Its fingerprint, told by the site over a channel that you trust.")
    private String fingerprint;
  }

  RotateCommand(Clock clock, Confirmation confirmation) {
    super(clock, confirmation);
  }

  @Override
  MembershipEpoch next(Basis basis, SigningCommand.Told told) {
    if (subject.consortium) {
      return handOver(basis);
    }
    if (subject.ofSite == null) {
      throw new IllegalStateException("neither --site nor --consortium, of which one is required");
    }
    SiteId site = new SiteId(subject.ofSite.site);
    MembershipEpoch draft = draft(basis);
    return replaceKey(
        draft, site, Optional.of(newKey(draft, site, subject.ofSite.newKey)), "key rotated");
  }

  private static MessagePublicKey newKey(MembershipEpoch draft, SiteId site, NewKey given) {
    if (given.statement != null) {
      return stated(draft, site, KeySuccession.parse(ConsortiumFolder.read(given.statement)));
    }
    if (given.told == null) {
      throw new IllegalStateException("neither --statement nor --key, of which one is required");
    }
    MessagePublicKey key = MessagePublicKey.fromHex(given.told.key);
    if (!key.fingerprint().equals(MessagePublicKey.parseFingerprint(given.told.fingerprint))) {
      throw new RefusedSignatureException(
          "site %s: the key given has fingerprint %s, which is not the one you were told; nothing was signed"
              .formatted(site, key));
    }
    return key;
  }

  private static MessagePublicKey stated(
      MembershipEpoch draft, SiteId site, KeySuccession statement) {
    if (!statement.federation().equals(draft.federation())
        || !statement.site().equals(Optional.of(site))) {
      throw new RefusedSignatureException(
          "the statement is of %s in federation %s, not of site %s in %s"
              .formatted(
                  statement.site().map(other -> "site " + other).orElse("the consortium"),
                  statement.federation(),
                  site,
                  draft.federation()));
    }
    MessagePublicKey present = keyOf(draft, site);
    if (!statement.from().equals(present)) {
      throw new RefusedSignatureException(
          "the statement is signed by key %s; site %s is listed with %s"
              .formatted(statement.from(), site, present));
    }
    return statement.to();
  }

  private MembershipEpoch handOver(Basis basis) {
    MembershipEpoch draft = draft(basis);
    Optional<MessageKey> former = basis.folder().keyUntil(basis.version());
    MessageKey from = former.orElseGet(() -> basis.folder().key());
    MessageKey to = former.isPresent() ? basis.folder().key() : basis.folder().nextKey();
    return handedOver(
        draft,
        new HandOver(
            basis.version(), KeySuccession.sign(draft.federation(), Optional.empty(), from, to)));
  }

  @Override
  void signed(ConsortiumFolder consortium) {
    var _ = consortium.key(); // puts the new key in its place
  }
}
