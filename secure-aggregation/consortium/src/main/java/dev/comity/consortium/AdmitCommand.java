package dev.comity.consortium;

import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.membership.MembershipEpoch.Revocation;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "admit",
    description = {
      "Signs the next membership of the federation and hands it over.",
      "Members stay; each --site is added under the key it enrolled with, if that key has the"
          + " fingerprint that the site told you over a channel that you trust."
    },
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class AdmitCommand extends SigningCommand {
  private static final int DEFAULT_N_C_FLOOR = 1;
  private static final Duration DEFAULT_LIFETIME = Duration.ofDays(365);
  private static final List<ArchitecturePattern> BUILT_IN =
      List.of(
          new ArchitecturePattern(Architecture.LOGISTIC_REGRESSION),
          new ArchitecturePattern(Architecture.MLP));

  @Option(
      names = "--site",
      paramLabel = "ID=FINGERPRINT",
      description = "A site to admit, with the fingerprint that its join printed; repeatable.")
  private Map<String, String> sites = new LinkedHashMap<>();

  @Option(
      names = "--remove",
      paramLabel = "ID",
      description = "A member to leave out from now on, its key revoked; repeatable. See revoke.")
  private List<String> removed = new ArrayList<>();

  @Option(
      names = "--n-c-floor",
      paramLabel = "N",
      description =
          "The least number of colluding sites that any plan must withstand (default: as before, at first 1).")
  private @Nullable Integer nCFloor;

  @Option(
      names = "--architecture",
      paramLabel = "PATTERN",
      description =
          "An allowed architecture, a family or one model as mlp(60,32,10); repeatable (default: as before, at first every built-in family).")
  private List<String> architectures = new ArrayList<>();

  @Option(
      names = "--federation-info",
      paramLabel = "FILE",
      description =
          "With --out: what GET /api/v1/federation answers, fetched by the aggregator's operator.")
  private @Nullable Path federationInfo;

  @Option(
      names = "--enrolments",
      paramLabel = "FILE",
      description =
          "With --out: what GET /api/v1/enrolments answers, fetched by the aggregator's operator.")
  private @Nullable Path enrolments;

  AdmitCommand(Clock clock, Confirmation confirmation) {
    super(clock, confirmation);
  }

  @Override
  MembershipEpoch next(Basis basis, Told told) {
    Map<SiteId, Digest> fingerprints = new LinkedHashMap<>();
    sites.forEach((site, fingerprint) ->
        fingerprints.put(new SiteId(site), MessagePublicKey.parseFingerprint(fingerprint)));
    Map<SiteId, MessagePublicKey> members = new LinkedHashMap<>();
    List<Revocation> revocations = new ArrayList<>();
    basis
        .before()
        .ifPresent(epoch -> {
          revocations.addAll(epoch.revocations());
          epoch.members().forEach(member -> members.put(member.site(), member.key()));
        });
    for (String name : removed) {
      SiteId site = new SiteId(name);
      MessagePublicKey key = members.remove(site);
      if (key == null) {
        throw new IllegalArgumentException("--remove %s: is not a member".formatted(name));
      }
      revocations.add(new Revocation(Optional.of(site), key.fingerprint(), basis.now(), "removed"));
    }
    admitted(fingerprints, told)
        .forEach((site, key) -> {
          requireNeverRevoked(site, key, revocations);
          MessagePublicKey former = members.put(site, key);
          if (former != null && !former.equals(key)) {
            revocations.add(
                new Revocation(
                    Optional.of(site), former.fingerprint(), basis.now(), "replaced by a new key"));
          }
        });
    return new MembershipEpoch(
        basis
            .before()
            .map(MembershipEpoch::federation)
            .orElseGet(() -> told.federation().federation()),
        basis.version(),
        basis.now(),
        expiry(basis, DEFAULT_LIFETIME),
        basis
            .before()
            .map(MembershipEpoch::aggregator)
            .orElseGet(() -> told.federation().messageKey()),
        members.entrySet().stream()
            .map(member -> new Member(member.getKey(), member.getValue()))
            .toList(),
        revocations,
        nCFloor != null
            ? nCFloor
            : basis.before().map(MembershipEpoch::nCFloor).orElse(DEFAULT_N_C_FLOOR),
        architectures.isEmpty()
            ? basis.before().map(MembershipEpoch::allowedArchitectures).orElse(BUILT_IN)
            : architectures.stream().map(ArchitecturePattern::new).toList(),
        basis.last().map(SignedMembership::digest),
        basis.before().map(MembershipEpoch::handOvers).orElse(List.of()));
  }

  /// The enrolled keys of the sites to admit, each with the fingerprint that was told.
  private static Map<SiteId, MessagePublicKey> admitted(
      Map<SiteId, Digest> fingerprints, Told told) {
    if (fingerprints.isEmpty()) {
      return Map.of();
    }
    Map<SiteId, MessagePublicKey> enrolled = told.enrolments();
    Map<SiteId, MessagePublicKey> keys = new LinkedHashMap<>();
    fingerprints.forEach((site, fingerprint) -> {
      MessagePublicKey key = enrolled.get(site);
      if (key == null) {
        throw new IllegalArgumentException(
            "site %s has not enrolled; let it join with its invitation first".formatted(site));
      }
      if (!key.fingerprint().equals(fingerprint)) {
        throw new RefusedSignatureException(
            "site %s: the aggregator offers a key with fingerprint %s, which is not the one you were told; nothing was signed. Ask the site again, and do not trust the aggregator until they agree"
                .formatted(site, key.displayFingerprint()));
      }
      keys.put(site, key);
    });
    return keys;
  }

  private static void requireNeverRevoked(
      SiteId site, MessagePublicKey key, List<Revocation> revocations) {
    for (Revocation revocation : revocations) {
      if (revocation.key().equals(key.fingerprint())) {
        throw new IllegalArgumentException(
            "site %s: its key %s was revoked at %s (%s) and never returns; let it join anew in a new folder, which makes a new key"
                .formatted(site, key, revocation.at(), revocation.reason()));
      }
    }
  }

  @Override
  Told toldByFiles() {
    return new Told() {
      @Override
      public FederationInfo federation() {
        Path file = required("--federation-info", federationInfo);
        return FederationInfo.parse(file.toString(), ConsortiumFolder.read(file));
      }

      @Override
      public Map<SiteId, MessagePublicKey> enrolments() {
        Path file = required("--enrolments", enrolments);
        return Aggregator.enrolments(file.toString(), ConsortiumFolder.read(file));
      }
    };
  }

  private static Path required(String option, @Nullable Path file) {
    if (file == null) {
      throw new IllegalArgumentException(
          "%s is missing: without a connection the aggregator's word comes in a file"
              .formatted(option));
    }
    return file;
  }
}
