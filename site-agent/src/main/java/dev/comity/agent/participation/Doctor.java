package dev.comity.agent.participation;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.link.Reachability;
import dev.comity.agent.link.TlsIdentity;
import dev.comity.agent.policy.SitePolicy;
import dev.comity.agent.protection.DurableFile;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.agent.training.NativeLibrary;
import dev.comity.ledger.LedgerEntry;
import dev.comity.ledger.LedgerVerifier;
import dev.comity.membership.MembershipEpoch;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Looks at everything that a site needs to take part, and says what is wrong and what mends it.
/// Changes nothing but a file of its own that it writes and erases; the agent may run or not.
public final class Doctor {
  private static final Duration WARN_CERTIFICATE = Duration.ofDays(20);
  private static final Duration WARN_MEMBERSHIP = Duration.ofDays(14);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long LITTLE_SPACE = 2L << 30;
  private static final long TOO_LITTLE_SPACE = 200L << 20;
  private static final int URI_NAME = 6;
  private static final Set<PosixFilePermission> OWNER =
      EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  private final SiteDirectory directory;
  private final Clock clock;
  private final List<Check> checks = new ArrayList<>();

  private Doctor(SiteDirectory directory, Clock clock) {
    this.directory = directory;
    this.clock = clock;
  }

  /// How a check ended.
  public enum Level {
    OK,
    WARN,
    FAIL
  }

  /// What was found of one thing.
  ///
  /// @param name what was looked at
  /// @param remedy what to do; empty when all is well
  public record Check(String name, Level level, String text, String remedy) {}

  /// A check that may find a fault in any way.
  @FunctionalInterface
  private interface Probe<T> {
    T run() throws IOException, GeneralSecurityException;
  }

  /// Looks at everything, whatever is found on the way.
  public static List<Check> examine(SiteDirectory directory, Clock clock) {
    var doctor = new Doctor(directory, clock);
    doctor.examine();
    return List.copyOf(doctor.checks);
  }

  private void examine() {
    AgentSettings settings =
        probe(
            "settings",
            "join a federation first, or mend agent.yaml",
            () -> {
              AgentSettings read = AgentSettings.read(directory);
              ok("settings", "site %s of federation %s".formatted(read.site(), read.federation()));
              return read;
            });
    SiteKeys keys =
        probe("keys", "restore the folder keys/, or join anew", () -> keys(directory.keys()));
    if (settings != null && keys != null) {
      TlsIdentity identity =
          probe(
              "certificate",
              "join anew with a fresh invitation",
              () -> certificate(settings, Agent.identity(keys)));
      probe("membership", "ask the consortium", () -> membership(settings, keys));
      if (identity != null) {
        probe(
            "reachability",
            "check name, port, firewall and proxy, and that the aggregator runs",
            () -> reach(settings, identity));
      }
    }
    probe("clock", "set the clock of this machine", this::ledgerAndClock);
    probe("disk", "free space, or give the folder to the user who runs the agent", this::disk);
    probe("policy", "mend policy.yaml; site-agent policy example prints a whole one", this::policy);
    if (settings != null) {
      probe("data", "mend the mapping or the table that it names", () -> data(settings));
    }
    probe(
        "pytorch",
        "use Linux x86_64 with 2 GB of memory and a temporary folder that may hold programs",
        () -> {
          ok("pytorch", "version %s computes".formatted(NativeLibrary.pytorch()));
          return true;
        });
    ok("tls", Reachability.library());
  }

  private SiteKeys keys(Path folder) throws IOException {
    SiteKeys keys = SiteKeys.load(folder);
    var open = new ArrayList<String>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        if (Files.isRegularFile(file) && !OWNER.containsAll(Files.getPosixFilePermissions(file))) {
          open.add(file.getFileName().toString());
        }
      }
    }
    if (open.isEmpty()) {
      ok("keys", "fingerprint %s".formatted(keys.messageKey().publicKey().displayFingerprint()));
    } else {
      add(
          "keys",
          Level.FAIL,
          "others than their owner may use %s".formatted(open.stream().sorted().toList()),
          "chmod 600 on each file of keys/; if others may have read them, make new ones: keys next");
    }
    return keys;
  }

  private TlsIdentity certificate(AgentSettings settings, TlsIdentity identity)
      throws GeneralSecurityException {
    X509Certificate own = identity.chain().getFirst();
    Instant now = clock.instant();
    Instant from = own.getNotBefore().toInstant();
    Instant until = own.getNotAfter().toInstant();
    if (now.isBefore(from)) {
      add(
          "certificate",
          Level.FAIL,
          "holds from %s, and this machine's clock says %s".formatted(from, now),
          "set the clock");
    } else if (!now.isBefore(until)) {
      add(
          "certificate",
          Level.FAIL,
          "ended at %s; an agent that runs renews it in time".formatted(until),
          "join anew with a fresh invitation");
    } else if (!names(own, settings)) {
      add(
          "certificate",
          Level.FAIL,
          "does not name comity://%s/%s".formatted(settings.federation(), settings.site()),
          "restore keys/tls.crt, or join anew");
    } else if (!belongs(identity)) {
      add(
          "certificate",
          Level.FAIL,
          "is of another key than keys/tls.key",
          "restore both, or join anew");
    } else {
      verifyChain(identity);
      boolean soon = now.plus(WARN_CERTIFICATE).isAfter(until);
      add(
          "certificate",
          soon ? Level.WARN : Level.OK,
          "holds until %s, is of this site's key and of the pinned authority".formatted(until),
          soon ? "let the agent run and reach the aggregator; it renews the certificate" : "");
    }
    return identity;
  }

  private static boolean names(X509Certificate own, AgentSettings settings)
      throws CertificateParsingException {
    String name = "comity://%s/%s".formatted(settings.federation(), settings.site());
    Collection<List<?>> names = own.getSubjectAlternativeNames();
    return names != null && names.contains(List.of(URI_NAME, name));
  }

  private static boolean belongs(TlsIdentity identity) throws GeneralSecurityException {
    byte[] message = {1};
    var signer = Signature.getInstance("SHA256withECDSA");
    signer.initSign(identity.key());
    signer.update(message);
    byte[] signature = signer.sign();
    var verifier = Signature.getInstance("SHA256withECDSA");
    verifier.initVerify(identity.chain().getFirst());
    verifier.update(message);
    return verifier.verify(signature);
  }

  private void verifyChain(TlsIdentity identity) throws GeneralSecurityException {
    var chain =
        identity.chain().stream()
            .filter(certificate -> !certificate.equals(identity.authority()))
            .toList();
    var parameters = new PKIXParameters(Set.of(new TrustAnchor(identity.authority(), null)));
    parameters.setRevocationEnabled(false);
    parameters.setDate(Date.from(clock.instant()));
    var _ =
        CertPathValidator.getInstance("PKIX")
            .validate(CertificateFactory.getInstance("X.509").generateCertPath(chain), parameters);
  }

  private boolean membership(AgentSettings settings, SiteKeys keys) {
    Optional<MembershipEpoch> current =
        new MembershipStore(directory.membership(), settings.consortium(), settings.federation())
            .current();
    if (current.isEmpty()) {
      return add(
          "membership",
          Level.WARN,
          "none seen yet that the consortium signed",
          "run the agent; tell the consortium this site's fingerprint");
    }
    MembershipEpoch epoch = current.get();
    Instant now = clock.instant();
    if (now.isBefore(epoch.issuedAt())) {
      return add(
          "membership",
          Level.FAIL,
          "version %d was signed at %s, and this machine's clock says %s"
              .formatted(epoch.version(), epoch.issuedAt(), now),
          "set the clock");
    }
    if (epoch.expired(now)) {
      return add(
          "membership",
          Level.FAIL,
          "version %d expired at %s".formatted(epoch.version(), epoch.expiresAt()),
          "run the agent, which fetches the next; if there is none, ask the consortium");
    }
    if (!epoch.keyOf(settings.site()).equals(Optional.of(keys.messageKey().publicKey()))) {
      return add(
          "membership",
          Level.FAIL,
          "version %d does not list this site's key".formatted(epoch.version()),
          "tell the consortium the fingerprint that keys show prints");
    }
    boolean soon = epoch.expired(now.plus(WARN_MEMBERSHIP));
    return add(
        "membership",
        soon ? Level.WARN : Level.OK,
        "version %d lists this site's key and holds until %s"
            .formatted(epoch.version(), epoch.expiresAt()),
        soon ? "ask the consortium for the next" : "");
  }

  private boolean reach(AgentSettings settings, TlsIdentity identity) throws IOException {
    var reached = Reachability.probe(settings.aggregator(), identity, PATIENCE);
    return ok(
        "reachability",
        "%s answers over %s and takes this site's certificate; its own holds until %s"
            .formatted(settings.aggregator(), reached.protocol(), reached.serverUntil()));
  }

  private boolean ledgerAndClock() throws IOException {
    List<LedgerEntry> entries =
        LedgerVerifier.entries(Storage.ofFiles(), directory.privacyLedger());
    ok("ledger", "%d entries, each follows from the one before".formatted(entries.size()));
    Instant now = clock.instant();
    if (!entries.isEmpty() && now.isBefore(entries.getLast().at())) {
      return add(
          "clock",
          Level.FAIL,
          "says %s, before %s, when the privacy ledger was last written"
              .formatted(now, entries.getLast().at()),
          "set the clock; until it has passed that time the agent takes part in nothing");
    }
    return ok(
        "clock",
        entries.isEmpty()
            ? "says %s; the ledger is empty and cannot contradict it".formatted(seconds(now))
            : "says %s, after the ledger's last entry".formatted(seconds(now)));
  }

  private static Instant seconds(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS);
  }

  private boolean disk() throws IOException {
    Path folder = directory.state().resolve("doctor");
    long begun = System.nanoTime();
    var file = new DurableFile(folder.resolve("probe"));
    file.write(new byte[] {1});
    file.erase();
    Files.deleteIfExists(folder);
    long millis = Duration.ofNanos(System.nanoTime() - begun).toMillis();
    long free = Files.getFileStore(directory.path()).getUsableSpace();
    Level level =
        free < TOO_LITTLE_SPACE ? Level.FAIL : free < LITTLE_SPACE ? Level.WARN : Level.OK;
    return add(
        "disk",
        level,
        "%d MB free; a file is durable after %d ms".formatted(free >> 20, millis),
        level == Level.OK ? "" : "free space: updates, checkpoints and models need it");
  }

  private boolean policy() {
    SitePolicy policy = PolicyFile.read(directory.policy());
    if (policy.studies().isEmpty()) {
      return add(
          "policy",
          Level.WARN,
          Files.exists(directory.policy())
              ? "names no study, so every plan is refused"
              : "there is no policy.yaml, so every plan is refused",
          "write rules under studies; site-agent policy example prints a whole file");
    }
    return ok(
        "policy",
        "rules for %s; epsilon %s for life, rounds without differential privacy are %s"
            .formatted(
                policy.studies().stream().map(rule -> rule.study().orElse("any")).toList(),
                policy.privacy().budget().epsilon(),
                policy.privacy().withoutNoise() ? "allowed" : "refused"));
  }

  private boolean data(AgentSettings settings) {
    SiteMapping mapping = SiteMapping.read(settings.mapping());
    var _ = LocalDataset.read(mapping);
    return ok(
        "data",
        "the mapping builds %d features and the label %s from every row that it uses"
            .formatted(mapping.contract().features().size(), mapping.contract().label()));
  }

  private <T> @Nullable T probe(String name, String remedy, Probe<T> probe) {
    try {
      return probe.run();
    } catch (IOException | GeneralSecurityException | RuntimeException | LinkageError e) {
      var _ = add(name, Level.FAIL, message(e), remedy);
      return null;
    }
  }

  private static String message(Throwable failure) {
    String message = failure.getMessage();
    return message == null ? failure.getClass().getSimpleName() : message;
  }

  private boolean ok(String name, String text) {
    return add(name, Level.OK, text, "");
  }

  private boolean add(String name, Level level, String text, String remedy) {
    return checks.add(new Check(name, level, text, remedy));
  }
}
