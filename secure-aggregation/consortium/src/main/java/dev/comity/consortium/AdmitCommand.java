package dev.comity.consortium;

import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "admit",
    description = {
      "Signs the next membership of the federation and hands it to the aggregator.",
      "Members stay; each --site is added under the key it enrolled with, if that key has the"
          + " fingerprint that the site told you over a channel that you trust."
    },
    mixinStandardHelpOptions = true,
    versionProvider = ConsortiumCommand.Version.class)
final class AdmitCommand implements Callable<Integer> {
  private static final int DEFAULT_N_C_FLOOR = 1;
  private static final List<ArchitecturePattern> BUILT_IN =
      List.of(
          new ArchitecturePattern(Architecture.LOGISTIC_REGRESSION),
          new ArchitecturePattern(Architecture.MLP));

  private final Clock clock;

  @Spec private CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "FOLDER",
      description = "The consortium's folder, made by init.")
  private Path folder;

  @Option(
      names = "--url",
      required = true,
      paramLabel = "URL",
      description = "The aggregator's address, such as https://host:8443.")
  private URI url;

  @Option(
      names = "--token-file",
      required = true,
      paramLabel = "FILE",
      description = "A file with an API token of role ADMIN.")
  private Path tokenFile;

  @Option(
      names = "--site",
      paramLabel = "ID=FINGERPRINT",
      description = "A site to admit, with the fingerprint that its join printed; repeatable.")
  private Map<String, String> sites = new LinkedHashMap<>();

  @Option(
      names = "--remove",
      paramLabel = "ID",
      description = "A member to leave out from now on, its key revoked; repeatable.")
  private List<String> removed = new ArrayList<>();

  @Option(
      names = "--ca-pin",
      paramLabel = "HEX",
      description = "Pin of the aggregator's CA (default: the one that invite remembered).")
  private @Nullable String caPin;

  @Option(
      names = "--expires",
      defaultValue = "P365D",
      paramLabel = "DURATION",
      description = "How long the membership holds, ISO 8601 (default: ${DEFAULT-VALUE}).")
  private Duration expires;

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

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  AdmitCommand(Clock clock) {
    this.clock = clock;
  }

  @Override
  public Integer call() {
    ConsortiumFolder consortium = new ConsortiumFolder(folder);
    MessageKey key = consortium.key();
    Map<SiteId, Digest> told = new LinkedHashMap<>();
    sites.forEach((site, fingerprint) ->
        told.put(new SiteId(site), MessagePublicKey.parseFingerprint(fingerprint)));
    if (expires.isNegative() || expires.isZero()) {
      throw new IllegalArgumentException("--expires %s: must be above 0".formatted(expires));
    }
    String apiToken = ConsortiumFolder.read(tokenFile).strip();
    try (Aggregator aggregator = Aggregator.connect(url, pin(consortium))) {
      FederationInfo info = aggregator.federation();
      consortium.meet(info);
      Optional<SignedMembership> last = last(consortium, aggregator, key.publicKey());
      Map<SiteId, MessagePublicKey> admitted = confirmed(told, aggregator.enrolments(apiToken));
      MembershipEpoch epoch = next(info, last, key.publicKey(), admitted);
      Optional<SignedMembership> pending = consortium.pending(epoch.version());
      SignedMembership signed;
      if (pending.isEmpty()) {
        signed = sign(consortium, epoch, key);
      } else if (sameContent(pending.get().verify(key.publicKey()), epoch)) {
        signed = pending.get();
        epoch = signed.verify(key.publicKey());
      } else {
        var _ = handOver(consortium, aggregator, epoch.version(), pending.get(), apiToken);
        epoch = next(info, pending, key.publicKey(), admitted);
        signed = sign(consortium, epoch, key);
      }
      Path file = handOver(consortium, aggregator, epoch.version(), signed, apiToken);
      print(epoch, signed, file);
      return 0;
    }
  }

  private static SignedMembership sign(
      ConsortiumFolder consortium, MembershipEpoch epoch, MessageKey key) {
    SignedMembership signed = SignedMembership.sign(epoch, key);
    consortium.recordPending(epoch.version(), signed);
    return signed;
  }

  /// Publishes the pending membership, which an aggregator takes twice without harm, and records
  /// that it was taken.
  private static Path handOver(
      ConsortiumFolder consortium,
      Aggregator aggregator,
      long version,
      SignedMembership pending,
      String apiToken) {
    try {
      aggregator.publish(pending, apiToken);
    } catch (AggregatorException e) {
      throw new AggregatorException(
          "%s. Membership version %d is signed and lies in %s; admit hands it over before it signs another. If no aggregator can ever take it, remove the file"
              .formatted(e.getMessage(), version, consortium.pendingFile(version)),
          e);
    }
    return consortium.confirm(version);
  }

  /// Whether both say the same but for the time at which they were signed.
  private static boolean sameContent(MembershipEpoch signed, MembershipEpoch wanted) {
    return lifetime(signed).equals(lifetime(wanted))
        && signed.equals(
            new MembershipEpoch(
                wanted.federation(),
                wanted.version(),
                signed.issuedAt(),
                signed.expiresAt(),
                wanted.aggregator(),
                wanted.members(),
                wanted.revokedKeys(),
                wanted.nCFloor(),
                wanted.allowedArchitectures(),
                wanted.previous()));
  }

  private static Duration lifetime(MembershipEpoch epoch) {
    return Duration.between(epoch.issuedAt(), epoch.expiresAt());
  }

  private Digest pin(ConsortiumFolder consortium) {
    if (caPin != null) {
      return MessagePublicKey.parseFingerprint(caPin);
    }
    return consortium
        .acquaintance()
        .map(ConsortiumFolder.Acquaintance::caPin)
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no CA pin is known; give --ca-pin, told by the aggregator's operator"));
  }

  /// The aggregator's newest membership, if it is ours and no older than any that it took from this
  /// folder.
  private static Optional<SignedMembership> last(
      ConsortiumFolder consortium, Aggregator aggregator, MessagePublicKey key) {
    Optional<SignedMembership> held = aggregator.membership();
    long version = held.map(membership -> membership.verify(key).version()).orElse(0L);
    if (consortium.recorded(version + 1).isPresent()) {
      throw new RefusedSignatureException(
          "the aggregator holds membership version %d, but took version %d from this folder before: it was set back, or hides the newer one; have its operator restore it"
              .formatted(version, version + 1));
    }
    Optional<SignedMembership> pending = consortium.pending(version);
    Optional<SignedMembership> recorded = consortium.recorded(version).or(() -> pending);
    if (recorded.isPresent() && !recorded.equals(held)) {
      throw new RefusedSignatureException(
          "the aggregator holds another membership version %d than the one recorded in this folder; find out which machine signed it"
              .formatted(version));
    }
    if (pending.isPresent()) {
      var _ = consortium.confirm(version);
    }
    return held;
  }

  /// The enrolled keys of the sites to admit, each with the fingerprint that was told.
  private static Map<SiteId, MessagePublicKey> confirmed(
      Map<SiteId, Digest> told, Map<SiteId, MessagePublicKey> enrolled) {
    Map<SiteId, MessagePublicKey> keys = new LinkedHashMap<>();
    told.forEach((site, fingerprint) -> {
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

  private MembershipEpoch next(
      FederationInfo info,
      Optional<SignedMembership> last,
      MessagePublicKey consortium,
      Map<SiteId, MessagePublicKey> admitted) {
    Optional<MembershipEpoch> before = last.map(membership -> membership.verify(consortium));
    Map<SiteId, MessagePublicKey> members = new LinkedHashMap<>();
    List<Digest> revoked = new ArrayList<>();
    before.ifPresent(epoch -> {
      revoked.addAll(epoch.revokedKeys());
      epoch.members().forEach(member -> members.put(member.site(), member.key()));
    });
    for (String name : removed) {
      MessagePublicKey key = members.remove(new SiteId(name));
      if (key == null) {
        throw new IllegalArgumentException("--remove %s: is not a member".formatted(name));
      }
      revoked.add(key.fingerprint());
    }
    admitted.forEach((site, key) -> {
      MessagePublicKey former = members.put(site, key);
      if (former != null && !former.equals(key)) {
        revoked.add(former.fingerprint());
      }
    });
    Instant now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    return new MembershipEpoch(
        info.federation(),
        before.map(MembershipEpoch::version).orElse(0L) + 1,
        now,
        now.plus(expires).truncatedTo(ChronoUnit.MILLIS),
        info.messageKey(),
        members.entrySet().stream()
            .map(member -> new Member(member.getKey(), member.getValue()))
            .toList(),
        revoked,
        nCFloor != null ? nCFloor : before.map(MembershipEpoch::nCFloor).orElse(DEFAULT_N_C_FLOOR),
        architectures.isEmpty()
            ? before.map(MembershipEpoch::allowedArchitectures).orElse(BUILT_IN)
            : architectures.stream().map(ArchitecturePattern::new).toList(),
        last.map(SignedMembership::digest));
  }

  private void print(MembershipEpoch epoch, SignedMembership signed, Path file) {
    var out = spec.commandLine().getOut();
    if (json) {
      out.println(
          Json.pretty(
              Descriptions.json(epoch)
                  .put("digest", signed.digest().hex())
                  .put("file", file.toString())));
    } else {
      Descriptions.print(epoch, out);
      out.println("digest       " + signed.digest());
      out.println("recorded in  " + file);
    }
  }
}
