package dev.comity.consortium;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// What every command that signs a membership has in common: it derives the next version from the
/// newest one, shows what changes, asks, signs, keeps the signed version in the consortium's folder
/// and only then hands it over, to the aggregator (`--url`) or as a file (`--out`). A version that
/// was signed is never signed again with other content.
abstract class SigningCommand implements Callable<Integer> {
  private final Clock clock;
  private final Confirmation confirmation;

  @Spec private CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "FOLDER",
      description = "The consortium's folder, made by init.")
  private Path folder;

  @ArgGroup(multiplicity = "1")
  private Destination destination;

  @Option(
      names = "--expires",
      paramLabel = "DURATION",
      description =
          "How long the membership holds from now on, ISO 8601 (default: P365D for admit, else the present end).")
  private @Nullable Duration expires;

  @Option(names = "--yes", description = "Sign without asking.")
  private boolean yes;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  static final class Destination {
    @ArgGroup(exclusive = false)
    private @Nullable Online online;

    @Option(
        names = "--out",
        paramLabel = "FILE",
        description =
            "Write the signed membership to a file and make no connection; hand it over later with publish.")
    private @Nullable Path out;
  }

  static final class Online {
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
        names = "--ca-pin",
        paramLabel = "HEX",
        description = "Pin of the aggregator's CA (default: the one that the folder remembers).")
    private @Nullable String caPin;
  }

  /// What the next version is made from.
  ///
  /// @param last the version before, if there is one
  /// @param before what `last` says
  /// @param now whole milliseconds
  record Basis(
      ConsortiumFolder folder,
      Optional<SignedMembership> last,
      Optional<MembershipEpoch> before,
      Instant now) {
    long version() {
      return before.map(MembershipEpoch::version).orElse(0L) + 1;
    }

    /// The version before, which there must be.
    MembershipEpoch present() {
      return before.orElseThrow(() ->
          new IllegalArgumentException(
              "the federation has no membership yet; admit its first sites with: comity-consortium admit"));
    }
  }

  /// What an aggregator tells, or a file in its place.
  interface Told {
    FederationInfo federation();

    Map<SiteId, MessagePublicKey> enrolments();
  }

  SigningCommand(Clock clock, Confirmation confirmation) {
    this.clock = clock;
    this.confirmation = confirmation;
  }

  /// The next version. May be asked more than once, and must give the same for the same basis.
  abstract MembershipEpoch next(Basis basis, Told told);

  /// What stands in the place of the aggregator's word when there is no connection.
  abstract Told toldByFiles();

  /// The signed version is in the folder.
  void signed(ConsortiumFolder consortium) {}

  @Override
  public Integer call() {
    if (expires != null && (expires.isNegative() || expires.isZero())) {
      throw new IllegalArgumentException("--expires %s: must be above 0".formatted(expires));
    }
    ConsortiumFolder consortium = new ConsortiumFolder(folder);
    var _ = consortium.key(); // nothing is asked of anybody without it
    if (destination.online != null) {
      return online(consortium, destination.online);
    }
    if (destination.out != null) {
      return offline(consortium, destination.out);
    }
    throw new IllegalStateException("neither --url nor --out, of which one is required");
  }

  private int offline(ConsortiumFolder consortium, Path out) {
    Optional<SignedMembership> last = consortium.newest();
    MembershipEpoch epoch = next(basis(consortium, last, now()), toldByFiles());
    SignedMembership signed = sign(consortium, last, epoch);
    ConsortiumFolder.write(out, Json.pretty(Json.json(signed)) + "\n");
    print(epoch, signed, out);
    return 0;
  }

  private int online(ConsortiumFolder consortium, Online online) {
    String apiToken = ConsortiumFolder.read(online.tokenFile).strip();
    try (Aggregator aggregator = Aggregator.connect(online.url, pin(consortium, online))) {
      consortium.meet(aggregator.federation());
      Told told = new ToldByAggregator(aggregator, apiToken);
      Optional<SignedMembership> last = held(consortium, aggregator);
      List<SignedMembership> waiting =
          consortium.pendingAfter(
              last.map(consortium::epoch).map(MembershipEpoch::version).orElse(0L));
      boolean again = false;
      for (SignedMembership pending : waiting) {
        again = pending.equals(waiting.getLast()) && isNext(consortium, last, pending, told);
        if (!again) {
          var _ =
              next(basis(consortium, last, now()), told); // what cannot be signed changes nothing
        }
        Path file = handOver(consortium, aggregator, pending, apiToken);
        if (again) {
          print(consortium.epoch(pending), pending, file);
        }
        last = Optional.of(pending);
      }
      if (!again) {
        MembershipEpoch epoch = next(basis(consortium, last, now()), told);
        SignedMembership signed = sign(consortium, last, epoch);
        print(epoch, signed, handOver(consortium, aggregator, signed, apiToken));
      }
      return 0;
    }
  }

  private record ToldByAggregator(Aggregator aggregator, String apiToken) implements Told {
    @Override
    public FederationInfo federation() {
      return aggregator.federation();
    }

    @Override
    public Map<SiteId, MessagePublicKey> enrolments() {
      return aggregator.enrolments(apiToken);
    }

    @Override
    public String toString() {
      return "ToldByAggregator[token redacted]";
    }
  }

  /// Whether the pending membership is what this command would sign, had it the same time.
  private boolean isNext(
      ConsortiumFolder consortium,
      Optional<SignedMembership> last,
      SignedMembership pending,
      Told told) {
    MembershipEpoch signed = consortium.epoch(pending);
    try {
      return next(basis(consortium, last, signed.issuedAt()), told).equals(signed);
    } catch (IllegalArgumentException _) {
      return false; // it makes sense only after the pending one
    }
  }

  private Basis basis(ConsortiumFolder consortium, Optional<SignedMembership> last, Instant now) {
    return new Basis(consortium, last, last.map(consortium::epoch), now);
  }

  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MILLIS);
  }

  /// The end of the next version: as told, or as before.
  final Instant expiry(Basis basis) {
    if (expires != null) {
      return basis.now().plus(expires).truncatedTo(ChronoUnit.MILLIS);
    }
    Instant end = basis.present().expiresAt();
    if (!end.isAfter(basis.now())) {
      throw new IllegalArgumentException(
          "the present membership expired at %s; say how long the next one holds, such as --expires P365D"
              .formatted(end));
    }
    return end;
  }

  /// As [#expiry], with an end of its own when none was told.
  final Instant expiry(Basis basis, Duration otherwise) {
    return basis.now().plus(expires == null ? otherwise : expires).truncatedTo(ChronoUnit.MILLIS);
  }

  final boolean expiryTold() {
    return expires != null;
  }

  private SignedMembership sign(
      ConsortiumFolder consortium, Optional<SignedMembership> last, MembershipEpoch epoch) {
    Optional<MembershipEpoch> before = last.map(consortium::epoch);
    before.ifPresent(epoch::requireAfter);
    MessageKey key = consortium.key();
    if (!yes) {
      var err = spec.commandLine().getErr();
      Descriptions.printChange(before, epoch, key.publicKey(), err);
      if (!confirmation.given(err)) {
        throw new IllegalArgumentException(
            "not confirmed, so nothing was signed; type yes when asked, or give --yes");
      }
    }
    SignedMembership signed = SignedMembership.sign(epoch, key);
    consortium.recordPending(epoch.version(), signed);
    signed(consortium);
    return signed;
  }

  /// Publishes the pending membership, which an aggregator takes twice without harm, and records
  /// that it was taken.
  private static Path handOver(
      ConsortiumFolder consortium,
      Aggregator aggregator,
      SignedMembership pending,
      String apiToken) {
    long version = consortium.epoch(pending).version();
    try {
      aggregator.publish(pending, apiToken);
    } catch (AggregatorException e) {
      throw new AggregatorException(
          "%s. Membership version %d is signed and lies in %s; every later command hands it over before it signs another, and publish does so alone. If no aggregator can ever take it, remove the file"
              .formatted(e.getMessage(), version, consortium.pendingFile(version)),
          e);
    }
    return consortium.confirm(version);
  }

  static Digest pin(ConsortiumFolder consortium, @Nullable String caPin) {
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

  private static Digest pin(ConsortiumFolder consortium, Online online) {
    return pin(consortium, online.caPin);
  }

  /// The aggregator's newest membership, if it is ours and no older than any that it took from this
  /// folder.
  static Optional<SignedMembership> held(ConsortiumFolder consortium, Aggregator aggregator) {
    Optional<SignedMembership> held = aggregator.membership();
    long version = held.map(consortium::epoch).map(MembershipEpoch::version).orElse(0L);
    long taken = consortium.newestTaken();
    if (taken > version) {
      throw new RefusedSignatureException(
          "the aggregator holds membership version %d, but took version %d from this folder before: it was set back, or hides the newer one; have its operator restore it"
              .formatted(version, taken));
    }
    Optional<SignedMembership> pending = consortium.pending(version);
    Optional<SignedMembership> recorded = consortium.recorded(version).or(() -> pending);
    if (recorded.isPresent() && !recorded.equals(held)) {
      throw new RefusedSignatureException(
          "the aggregator holds another membership version %d than the one recorded in this folder; find out which machine signed it"
              .formatted(version));
    }
    for (long behind = version; behind > 0 && consortium.pending(behind).isPresent(); behind--) {
      var _ = consortium.confirm(behind);
    }
    return held;
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
