package dev.comity.agent.participation;

import com.google.protobuf.UnsafeByteOperations;
import dev.comity.accounting.PrivacyAccountant;
import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.Rows;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.link.AggregatorLink;
import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.agent.link.TlsIdentity;
import dev.comity.agent.protection.Sessions;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.agent.protection.UpdateStore;
import dev.comity.agent.resources.Decision;
import dev.comity.agent.resources.ResourceGate;
import dev.comity.agent.training.Examples;
import dev.comity.agent.training.LocalBaseline;
import dev.comity.agent.training.PytorchTrainer;
import dev.comity.agent.training.Trainer;
import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import dev.comity.ledger.PrivacyLedger;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.protocol.v1.HelloAccepted;
import dev.comity.protocol.v1.HelloRequest;
import dev.comity.protocol.v1.NextAssignmentResponse;
import dev.comity.protocol.v1.OpenLock;
import dev.comity.protocol.v1.RoundCommitted;
import dev.comity.protocol.v1.RoundEnded;
import dev.comity.protocol.v1.RoundOffer;
import dev.comity.protocol.v1.SessionEnded;
import dev.comity.protocol.v1.SignedDocument;
import dev.comity.session.Standing;
import dev.comity.storage.Storage;
import dev.comity.transparency.AuditEntry;
import io.grpc.ClientInterceptor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A site's participation: one loop over what the aggregator says the site owes, one thread that
/// trains, and everything worth keeping under the site's directory. Killed at any moment, a new
/// agent on the same directory goes on.
///
/// [#run] belongs to one thread; the other methods may be called from any.
public final class Agent implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Agent.class);
  private static final int WIRE_VERSION = 1;
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(15);
  private static final Duration LONGEST_WAIT_PENDING = Duration.ofSeconds(1);
  private static final Duration LONGEST_WAIT_DENIED = Duration.ofMinutes(5);
  private static final Duration LONGEST_CLOCK_WAIT = Duration.ofSeconds(15);
  private static final Duration CHECKPOINT_INTERVAL = Duration.ofSeconds(20);
  private static final Duration LONGEST_DRAIN = Duration.ofSeconds(60);
  private static final Duration RENEWAL_CHECK = Duration.ofHours(1);
  private static final String SHUT_OUT = "PERMISSION_DENIED";
  private static final int MOST_REMEMBERED = 200;
  private static final Duration RENEW_BEFORE = Duration.ofDays(30);
  private static final Duration WARN_BEFORE = Duration.ofDays(14);

  private final AgentSettings settings;
  private final SiteKeys keys;
  private final FileChannel lock;
  private final AggregatorLink link;
  private final MembershipStore memberships;
  private final OfferStore offers;
  private final VerifiedModels models;
  private final UpdateStore updates;
  private final Sessions sessions;
  private final SessionWork sessionWork;
  private final AuditWork auditWork;
  private final RoundWork roundWork;
  private final PrivacyLedger ledger;
  private final Departure departure;
  private final Withdrawals withdrawals;
  private final DecisionWatch decisions;

  // Confined to the training thread.
  private Departure.Left departed = new Departure.Left(0, 0, 0);

  private final Trainer trainer;
  private final ResourceGate gate;
  private final StatusBoard status;
  private final FederationEpoch federationEpoch;
  private final Clock clock;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final CountDownLatch finished = new CountDownLatch(1);
  private final ExecutorService training =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("training").daemon().factory());

  private final Map<Digest, Future<?>> working = new ConcurrentHashMap<>();

  private final ExecutorService aside =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().name("baseline").daemon().factory());

  // Confined to the thread of run().
  private final Set<String> handled = Collections.newSetFromMap(new BoundedMap());
  private boolean denied;
  private boolean clockWasBehind;
  private long warnedOf;
  private @Nullable String refusedMembership;
  private @Nullable String foreignKey;
  private volatile boolean running;

  /// Offers that wait for the proof of a session's end; filled by the training thread.
  private final Queue<Offer> inDoubt = new ConcurrentLinkedQueue<>();

  /// Offers that wait for an officer; filled by the training thread.
  private final Queue<Offer> waiting = new ConcurrentLinkedQueue<>();

  private static final class BoundedMap extends LinkedHashMap<String, Boolean> {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
      return size() > MOST_REMEMBERED;
    }
  }

  /// How many records there are stays out of the log.
  private static void advise(DeltaAdvice advice) {
    switch (advice) {
      case TOO_LARGE ->
          LOG.atWarn()
              .log(
                  "privacy.delta of policy.yaml is larger than suggested for this site's records; lower it, see ledger show");
      case FITS, UNKNOWN -> {
        // Nothing to say.
      }
    }
  }

  private Agent(SiteDirectory directory, Clock clock, List<ClientInterceptor> interceptors)
      throws IOException {
    this.clock = clock;
    this.settings = AgentSettings.read(directory);
    var policy = PolicyFile.read(directory.policy());
    this.keys = SiteKeys.load(directory.keys());
    SiteMapping mapping = SiteMapping.read(settings.mapping());
    LocalDataset data = LocalDataset.read(mapping);
    advise(DeltaAdvice.of(policy.privacy().budget(), data.train().count()));
    this.gate = ResourcesFile.open(directory.resources(), clock);
    this.lock = lock(directory, gate);
    try {
      this.status =
          new StatusBoard(
              settings.federation().value(),
              settings.site().value(),
              keys.messageKey().publicKey().displayFingerprint(),
              gate,
              clock);
      this.withdrawals = new Withdrawals(directory);
      this.federationEpoch = new FederationEpoch(directory.state().resolve("federation-epoch"));
      this.memberships =
          new MembershipStore(directory.membership(), settings.consortium(), settings.federation());
      this.offers = new OfferStore(directory.offers());
      this.updates = new UpdateStore(directory.updates(), keys);
      this.link =
          AggregatorLink.open(
              settings.aggregator(), settings.proxy(), identity(keys), interceptors);
      this.ledger =
          PrivacyLedger.open(
              Storage.ofFiles(),
              directory.privacyLedger(),
              policy.privacy().budget(),
              policy::budget,
              PrivacyAccountant.deciding(),
              clock);
      this.sessions =
          Sessions.inDirectory(
              directory.sessions(), settings.site(), keys, updates, this::entered, ledger, clock);
      this.models = new VerifiedModels(directory.state().resolve("models"), library(link));
      this.sessionWork =
          new SessionWork(
              link,
              sessions,
              offers,
              memberships,
              federationEpoch,
              policy,
              status,
              clock,
              withdrawals);
      this.auditWork =
          new AuditWork(
              link,
              new AuditBook(directory.state().resolve("audit")),
              memberships,
              settings.site(),
              keys,
              status);
      this.trainer =
          new PytorchTrainer(
              examples(data.train()),
              examples(data.test()),
              directory.checkpoints(),
              CHECKPOINT_INTERVAL,
              clock);
      this.departure = new Departure(directory, withdrawals, updates, sessions);
      this.roundWork =
          new RoundWork(
              settings.site(),
              new OfferCheck(
                  settings,
                  () -> keys.messageKey().publicKey(),
                  policy,
                  mapping,
                  Approvals.of(directory),
                  withdrawals,
                  clock),
              offers,
              memberships,
              models,
              updates,
              sessions,
              ledger,
              trainer,
              gate,
              status,
              closing,
              new BaselineFile(
                  directory.baseline(),
                  new LocalBaseline(examples(data.train()), examples(data.test())),
                  settings.site(),
                  new TrainingGate(gate, decision -> {}, () -> {})),
              aside,
              clock);
      this.decisions = new DecisionWatch(directory.decisions());
    } catch (IOException | RuntimeException e) {
      gate.close();
      lock.close();
      throw e;
    }
  }

  private static FileChannel lock(SiteDirectory directory, ResourceGate gate) {
    try {
      return directory.lock();
    } catch (RuntimeException e) {
      gate.close();
      throw e;
    }
  }

  /// Opens the agent of a site that has joined: reads settings, policy, keys and data, and locks
  /// the directory. Nothing is said to anybody before [#run].
  ///
  /// @param interceptors see every message that leaves or arrives, in plain
  /// @throws RefusedSettings when a settings file cannot be used
  /// @throws dev.comity.agent.data.DataRefusedException when the mapping or the data cannot be used
  /// @throws IllegalStateException when another agent holds the directory
  public static Agent open(
      SiteDirectory directory, Clock clock, List<ClientInterceptor> interceptors) {
    try {
      return new Agent(directory, clock, interceptors);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot open " + directory.path(), e);
    }
  }

  public AgentStatus status() {
    return status.snapshot();
  }

  /// Takes part until [#close] is called. Sessions and rounds that an earlier process had begun go
  /// on.
  public void run() {
    running = true;
    try {
      decisions.start(this::decided);
      training.execute(this::leave);
      showDoubts();
      followKey();
      showMembership();
      auditWork.show();
      var backoff = new Backoff(closing);
      boolean resumed = false;
      while (closing.getCount() > 0) {
        try {
          if (clockBehind()) {
            continue;
          }
          HelloAccepted hello = link.hello(hello());
          welcome(hello);
          denied = false;
          clockWasBehind = false;
          refusedMembership = null;
          status.connected();
          status.problem(foreignKey);
          renewCertificateIfDue();
          Instant renewalDue = clock.instant().plus(RENEWAL_CHECK);
          if (!resumed) {
            offers.all().forEach(this::work);
            resumed = true;
          }
          while (closing.getCount() > 0 && !clockBehind()) {
            NextAssignmentResponse next = link.nextAssignment(handled, PATIENCE);
            backoff.reset();
            handle(next);
            if (clock.instant().isAfter(renewalDue)) {
              renewCertificateIfDue();
              renewalDue = clock.instant().plus(RENEWAL_CHECK);
            }
          }
        } catch (LinkException e) {
          interruptedOrUnavailable(e);
        } catch (RefusedByAggregator e) {
          refused(e);
        } catch (RefusedMembership e) {
          refused(e);
        } catch (RuntimeException e) {
          if (closing.getCount() == 0) {
            return; // what was still under way found its resources closed
          }
          LOG.atError().addKeyValue("site", settings.site()).setCause(e).log("Assignment failed");
          status.disconnected(e.getMessage());
        }
        backoff.await(longestWait());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      finished.countDown();
    }
  }

  /// After a power cut a dead clock may be behind the ledger's last entry: until time has passed it
  /// nothing that looks at the time can be relied upon. Waits a while if so.
  private boolean clockBehind() throws InterruptedException {
    Optional<Instant> entry = ledger.lastEntryAt(); // first: an entry made meanwhile is no proof
    Instant now = clock.instant();
    Optional<Instant> last = entry.filter(now::isBefore);
    if (last.isEmpty()) {
      return false;
    }
    String reason =
        "this machine's clock says %s, before %s, when the privacy ledger was last written: set the clock; until then this site takes part in nothing"
            .formatted(now, last.get());
    if (!clockWasBehind) {
      LOG.atError()
          .addKeyValue("site", settings.site())
          .addKeyValue("reason", reason)
          .log("Clock is behind the ledger; waiting for time");
    }
    clockWasBehind = true;
    status.disconnected(reason);
    Duration gap = Duration.between(now, last.get());
    Duration wait = gap.compareTo(LONGEST_CLOCK_WAIT) < 0 ? gap : LONGEST_CLOCK_WAIT;
    var _ = closing.await(wait.plusMillis(1).toMillis(), TimeUnit.MILLISECONDS);
    return true;
  }

  private Duration longestWait() {
    if (denied) {
      return LONGEST_WAIT_DENIED;
    }
    return status.snapshot().state() == AgentStatus.State.PENDING
        ? LONGEST_WAIT_PENDING
        : LONGEST_WAIT;
  }

  /// A site that is shut out says so once and asks seldom: only people can let it in again.
  private void refused(RefusedByAggregator refusal) {
    status.disconnected(refusal.getMessage());
    if (refusal.code().equals(SHUT_OUT)) {
      status.state(AgentStatus.State.REVOKED);
      if (!denied) {
        LOG.atWarn()
            .addKeyValue("site", settings.site())
            .addKeyValue("reason", refusal.getMessage())
            .log("Aggregator shuts this site out; asking again from time to time");
      }
      denied = true;
    } else {
      LOG.atError().addKeyValue("site", settings.site()).setCause(refusal).log("Assignment failed");
    }
  }

  private void interruptedOrUnavailable(LinkException e) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted while calling the aggregator");
    }
    if (closing.getCount() == 0) {
      return;
    }
    if (status.snapshot().state() == AgentStatus.State.PENDING) {
      LOG.atDebug()
          .addKeyValue("site", settings.site())
          .addKeyValue("reason", e.getMessage())
          .log("Not admitted yet; asking again");
      return;
    }
    LOG.atInfo()
        .addKeyValue("site", settings.site())
        .addKeyValue("reason", e.getMessage())
        .log("Aggregator not reached; trying again");
    status.disconnected(e.getMessage());
  }

  /// Returns when the site's resources ask this process to end, once its trainings are saved; the
  /// caller then closes the agent.
  ///
  /// @return false when the agent was closed instead
  public boolean awaitDrained() throws InterruptedException {
    if (!gate.awaitDrain()) {
      return false;
    }
    try {
      // Each training ends at the gate; one that waits for the aggregator has nothing to save.
      training.submit(() -> {}).get(LONGEST_DRAIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      LOG.atWarn()
          .addKeyValue("site", settings.site())
          .log("Training waits for the aggregator; ending without it");
    } catch (RejectedExecutionException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("the training thread fails", e);
    }
    return true;
  }

  /// Whether the site's resources ask this process to end.
  public boolean draining() {
    return gate.status().decision() instanceof Decision.Drain;
  }

  /// Whether a round or a session of this site has not ended: an agent that stops now is to be
  /// started again.
  public boolean workLeft() {
    return status.snapshot().inDoubt() > 0
        || offers.all().stream().anyMatch(offer -> status.unfinished(offer.digest()));
  }

  /// Stops: trainings save their state, the directory is free for another agent.
  @Override
  public void close() {
    if (closing.getCount() == 0) {
      return;
    }
    closing.countDown();
    try {
      decisions.close();
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("The folder of decisions is still watched");
    }
    training.shutdownNow();
    aside.shutdownNow();
    link.close();
    training.close();
    aside.close();
    try {
      if (running) {
        finished.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    gate.close();
    sessions.close();
    try {
      lock.close();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot release the directory's lock", e);
    }
  }

  private HelloRequest hello() {
    var request =
        HelloRequest.newBuilder()
            .setWireVersion(WIRE_VERSION)
            .setFederationEpoch(federationEpoch.known())
            .setAgentVersion(AgentVersion.text())
            .setMessageKey(UnsafeByteOperations.unsafeWrap(keys.messageKey().publicKey().bytes()));
    sessions
        .locks()
        .forEach((terms, session) ->
            request.addOpenLocks(
                OpenLock.newBuilder()
                    .setSessionId(UnsafeByteOperations.unsafeWrap(session.bytes()))
                    .setTermsDigest(UnsafeByteOperations.unsafeWrap(terms.bytes()))));
    return request.build();
  }

  private void welcome(HelloAccepted hello) {
    if (hello.getWireVersion() != WIRE_VERSION) {
      throw new IllegalStateException(
          "the aggregator speaks wire version %d, this agent %d: upgrade the older one"
              .formatted(hello.getWireVersion(), WIRE_VERSION));
    }
    if (!hello.getFederation().equals(settings.federation().value())) {
      throw new IllegalStateException(
          "the aggregator serves federation %s, this site belongs to %s"
              .formatted(hello.getFederation(), settings.federation()));
    }
    federationEpoch.take(hello.getFederationEpoch());
    if (hello.hasMembership()) {
      take(hello.getMembership());
    }
    AgentStatus before = status.snapshot();
    status.state(
        switch (hello.getState()) {
          case MEMBERSHIP_STATE_PENDING -> AgentStatus.State.PENDING;
          case MEMBERSHIP_STATE_ACTIVE -> AgentStatus.State.ACTIVE;
          case MEMBERSHIP_STATE_REVOKED -> AgentStatus.State.REVOKED;
          case MEMBERSHIP_STATE_UNSPECIFIED, UNRECOGNIZED -> AgentStatus.State.UNKNOWN;
        });
    if (!before.connected() || before.state() != status.snapshot().state()) {
      LOG.atInfo()
          .addKeyValue("federation", settings.federation())
          .addKeyValue("site", settings.site())
          .addKeyValue("to", status.snapshot().state())
          .log("Aggregator greeted");
    }
  }

  /// The present certificate serves until the new one is on disk; without a new one it goes on
  /// serving as long as it is valid.
  private void renewCertificateIfDue() throws LinkException {
    TlsIdentity present = identity(keys);
    var validUntil = present.chain().getFirst().getNotAfter().toInstant();
    if (clock.instant().plus(RENEW_BEFORE).isBefore(validUntil)) {
      return;
    }
    try {
      String chain = link.renewCertificate(keys.certificateRequest().toByteArray());
      keys.keepCertificate(chain, keys.authority().orElseThrow());
      link.identify(identity(keys));
      LOG.atInfo().addKeyValue("site", settings.site()).log("TLS certificate renewed");
    } catch (RefusedByAggregator e) {
      LOG.atWarn()
          .addKeyValue("site", settings.site())
          .addKeyValue("reason", e.getMessage())
          .log("TLS certificate not renewed");
      status.problem(
          "the TLS certificate ends at %s and was not renewed: %s"
              .formatted(validUntil, e.getMessage()));
    }
  }

  private void take(SignedDocument membership) {
    memberships.take(
        new SignedMembership(
            Bytes.of(membership.getDocument().toByteArray()),
            Bytes.of(membership.getSignature().toByteArray())));
    followKey();
    showMembership();
    if (memberships.lists(settings.site(), keys.messageKey().publicKey())) {
      status.state(AgentStatus.State.ACTIVE);
    }
  }

  /// When the consortium lists another message key for this site, the prepared one takes the place
  /// of the present one.
  private void followKey() {
    String lacking = null;
    MessagePublicKey present = keys.messageKey().publicKey();
    Optional<MessagePublicKey> listed =
        memberships
            .current()
            .flatMap(epoch -> epoch.keyOf(settings.site()))
            .filter(key -> !key.equals(present));
    if (listed.isPresent() && sessions.follow(listed.get())) {
      status.key(listed.get().displayFingerprint());
      LOG.atInfo()
          .addKeyValue("site", settings.site())
          .addKeyValue("digest", listed.get().fingerprint().abbreviated())
          .log("Message key changed");
    } else if (listed.isPresent()) {
      lacking =
          "the membership lists this site with key %s, which this folder does not hold; it holds %s%s: have the consortium list the one that site-agent keys next prints"
              .formatted(
                  listed.get().displayFingerprint(),
                  present.displayFingerprint(),
                  keys.nextMessageKey()
                      .map(next -> " and " + next.publicKey().displayFingerprint())
                      .orElse(""));
      status.problem(lacking);
      if (!lacking.equals(foreignKey)) {
        LOG.atError()
            .addKeyValue("site", settings.site())
            .addKeyValue("reason", lacking)
            .log("Membership lists a key that this site does not hold");
      }
    }
    foreignKey = lacking;
  }

  private void showMembership() {
    memberships
        .current()
        .ifPresent(epoch -> {
          status.membership(epoch.version(), epoch.expiresAt());
          if (epoch.expired(clock.instant().plus(WARN_BEFORE)) && epoch.version() != warnedOf) {
            warnedOf = epoch.version();
            LOG.atWarn()
                .addKeyValue("federation", settings.federation())
                .addKeyValue(
                    "reason",
                    "membership version %d holds until %s; from then on this site takes part in nothing until the consortium signs the next one"
                        .formatted(epoch.version(), epoch.expiresAt()))
                .log("Membership ends soon");
          }
        });
  }

  /// Said once for as long as the aggregator shows the same.
  private void refused(RefusedMembership refusal) {
    if (!refusal.detail().equals(refusedMembership)) {
      refusedMembership = refusal.detail();
      LOG.atError()
          .addKeyValue("federation", settings.federation())
          .addKeyValue("site", settings.site())
          .addKeyValue("reason", refusal.detail())
          .log("Membership refused; this site takes part in nothing meanwhile");
    }
    status.disconnected(refusal.detail());
  }

  private void handle(NextAssignmentResponse next) throws LinkException {
    switch (next.getAssignmentCase()) {
      case NOTHING -> {}
      case ROUND_OFFER -> offered(next.getRoundOffer());
      case SESSION_STEP -> {
        sessionWork.step(next.getSessionStep());
        showDoubts();
      }
      case SESSION_ENDED -> {
        Standing standing = sessionWork.ended(next.getSessionEnded());
        LOG.atInfo().addKeyValue("to", standing).log("Session ended");
        expectLeaf(next.getSessionEnded(), standing);
        releaseUnwanted();
        showDoubts();
        resumeDoubted();
      }
      case ROUND_ENDED -> ended(next.getRoundEnded());
      case MEMBERSHIP_CHANGED -> take(next.getMembershipChanged().getMembership());
      case AUDIT_HEAD -> auditWork.head(next.getAuditHead().getHead());
      case ASSIGNMENT_NOT_SET ->
          LOG.atWarn().log("Assignment of an unknown kind; upgrade the agent");
    }
    if (!next.getId().isEmpty()) {
      handled.add(next.getId());
    }
  }

  /// A certificate that this site could not verify leaves its update in doubt.
  private void expectLeaf(SessionEnded ended, Standing standing) {
    if (!ended.getCertificateDigest().isEmpty() && standing != Standing.IN_DOUBT) {
      auditWork.sessionEnded(
          Digest.ofValue(ended.getSessionId().toByteArray()),
          Digest.ofValue(ended.getCertificateDigest().toByteArray()));
    }
  }

  /// The plan of a session that this site may enter.
  private Optional<RoundPlan> entered(Digest plan) {
    return offers
        .permittedPlan(plan)
        .filter(each -> !withdrawals.covers(each.terms().study(), each.terms().run()));
  }

  private void offered(RoundOffer message) {
    Offer offer;
    try {
      offer =
          Offer.decode(
              Bytes.of(message.getPlan().toByteArray()),
              Bytes.of(message.getModelVersion().toByteArray()),
              clock.instant().plusMillis(message.getRemainingMs()));
    } catch (MalformedException e) {
      LOG.atError().setCause(e).log("Round offer is malformed");
      status.problem(e.getMessage());
      return;
    }
    offers.keep(offer);
    work(offer);
  }

  private void work(Offer offer) {
    Future<?> before = working.get(offer.digest());
    if (before == null || before.isDone()) {
      submit(offer);
    }
  }

  private void submit(Offer offer) {
    status.round(offer.digest(), offer.plan(), AgentStatus.Phase.OFFERED, 0, null);
    working.put(offer.digest(), training.submit(() -> train(offer)));
  }

  /// On the training thread.
  private void train(Offer offer) {
    long known = decisions.changes();
    try {
      switch (roundWork.work(offer, new Reports(link, closing, offer))) {
        case READY, OUT -> {}
        case IN_DOUBT -> inDoubt.add(offer);
        case WAITS -> {
          waiting.add(offer);
          if (decisions.changes() != known) {
            resume(waiting);
          }
        }
      }
    } catch (InterruptedException e) {
      LOG.atDebug()
          .addKeyValue("run", offer.plan().terms().run())
          .addKeyValue("round", offer.plan().round())
          .log("Training interrupted; its state is saved");
    } catch (RuntimeException e) {
      LOG.atError()
          .addKeyValue("run", offer.plan().terms().run())
          .addKeyValue("round", offer.plan().round())
          .setCause(e)
          .log("Round failed unexpectedly");
      status.round(
          offer.digest(), offer.plan(), AgentStatus.Phase.FAILED, 0, "see the agent's log");
      tellUnexpected(offer);
    }
  }

  /// The reason stays in the log: it may hold anything.
  private void tellUnexpected(Offer offer) {
    try {
      new Reports(link, closing, offer).failed("internal", "see the agent's log");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void resumeDoubted() {
    resume(inDoubt);
  }

  /// An officer decided, or the operator left a study or a run: takes up what waited, and leaves.
  private void decided() {
    List<Offer> left =
        offers.all().stream().filter(this::isLeft).filter(this::isNotRefused).toList();
    for (Offer offer : left) {
      Future<?> work = working.remove(offer.digest());
      if (work != null) {
        work.cancel(true);
      }
    }
    if (closing.getCount() > 0) {
      training.execute(this::leave);
      left.forEach(this::work);
      resume(waiting);
    }
  }

  private boolean isLeft(Offer offer) {
    return withdrawals.covers(offer.plan().terms().study(), offer.plan().terms().run());
  }

  private boolean isNotRefused(Offer offer) {
    return status.snapshot().rounds().stream()
        .noneMatch(round ->
            round.run().equals(offer.plan().terms().run().toString())
                && round.round() == offer.plan().round()
                && round.phase() == AgentStatus.Phase.REFUSED);
  }

  /// On the training thread: what was in training has ended.
  private void leave() {
    try {
      Departure.Left left = departure.leave();
      if (!left.equals(departed)) {
        departed = left;
        LOG.atInfo()
            .addKeyValue("site", settings.site())
            .addKeyValue("reason", left.toString())
            .log("Left what was withdrawn from");
      }
      releaseUnwanted();
      showDoubts();
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("What was withdrawn from could not be erased; it is refused");
      status.problem("what this site withdrew from could not be erased: see the agent's log");
    }
  }

  private void resume(Queue<Offer> held) {
    var again = new ArrayDeque<Offer>();
    for (Offer offer = held.poll(); offer != null; offer = held.poll()) {
      again.add(offer);
    }
    again.forEach(offer -> {
      if (closing.getCount() > 0 && offers.plan(offer.digest()).isPresent()) {
        submit(offer);
      }
    });
  }

  private void ended(RoundEnded message) throws LinkException {
    RunId run = RunId.parse(message.getRunId());
    List<Offer> ended = new ArrayList<>(offers.upTo(run, message.getRound()));
    for (Offer offer : ended) {
      Future<?> work = working.remove(offer.digest());
      if (work != null) {
        work.cancel(true);
      }
    }
    switch (message.getResultCase()) {
      case COMMITTED -> committed(message.getCommitted(), ended);
      case ABANDONED ->
          LOG.atInfo()
              .addKeyValue("run", run)
              .addKeyValue("round", message.getRound())
              .addKeyValue("reason", message.getAbandoned().getReason())
              .log("Round abandoned");
      case RESULT_NOT_SET -> LOG.atWarn().addKeyValue("run", run).log("Round ended without result");
    }
    for (Offer offer : ended) {
      offers.forget(offer);
      status.ended(offer.digest());
    }
    releaseUnwanted();
  }

  private void releaseUnwanted() {
    Set<Digest> wanted =
        offers.all().stream()
            .filter(offer -> !isLeft(offer))
            .map(Offer::terms)
            .collect(Collectors.toSet());
    sessions.releaseUnless(wanted::contains);
  }

  private void committed(RoundCommitted committed, List<Offer> ended) throws LinkException {
    Optional<Offer> round =
        ended.stream()
            .filter(offer ->
                offer.digest().equals(Digest.ofValue(committed.getPlanDigest().toByteArray())))
            .findFirst();
    if (committed.getModelVersion().isEmpty()) {
      round
          .filter(offer -> offer.plan().terms().kind() == RunKind.EVALUATE)
          .ifPresent(offer -> updates.erase(offer.plan().terms()));
      return;
    }
    try {
      if (round.isEmpty()) {
        return; // nothing is erased on the strength of a version that this site cannot verify
      }
      var terms = round.get().plan().terms();
      var version = PlanCodec.decodeModelVersion(committed.getModelVersion().toByteArray());
      if (!version.run().equals(terms.run())) {
        throw new DoesNotFollowException(
            "a version of run %s came as the result of a round of run %s"
                .formatted(version.run(), terms.run()));
      }
      models.verify(version, terms.seed(), round.get().plan().round());
      LOG.atInfo()
          .addKeyValue("run", version.run())
          .addKeyValue("digest", version.digest().abbreviated())
          .log("Model version verified");
      auditWork.roundVerified(
          new AuditEntry.Round(
              version.run(),
              round.get().plan().round(),
              round.get().digest(),
              Digest.ofValue(committed.getSumDigest().toByteArray()),
              Digest.ofValue(committed.getTranscriptDigest().toByteArray()),
              Optional.of(version.digest())));
      updates.eraseOlder(version.run(), version.version());
      trainer.discard(terms.digest());
    } catch (DoesNotFollowException | MalformedException e) {
      LOG.atError().setCause(e).log("Model version refused: it does not follow");
      status.problem(e.getMessage());
    } catch (LinkException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot verify the new model version", e);
    }
  }

  private void showDoubts() {
    status.inDoubt(
        (int)
            sessions.locks().keySet().stream()
                .filter(terms -> sessions.standing(terms) == Standing.IN_DOUBT)
                .count());
  }

  private static Library library(AggregatorLink link) {
    return new Library() {
      @Override
      public byte[] fetch(Digest digest, int mostBytes) throws IOException, RefusedByAggregator {
        return link.fetch(digest, mostBytes);
      }

      @Override
      public void fetch(Digest digest, Path file, long mostBytes)
          throws IOException, RefusedByAggregator {
        link.fetch(digest, file, mostBytes);
      }
    };
  }

  private static Examples examples(Rows rows) {
    return new Examples(rows.width(), rows.features(), rows.labels());
  }

  static TlsIdentity identity(SiteKeys keys) {
    var chain = certificates(keys.certificate(), "tls.crt");
    var authority = certificates(keys.authority(), "ca.crt");
    return new TlsIdentity(keys.tlsKey(), chain, authority.getFirst());
  }

  private static List<X509Certificate> certificates(Optional<String> pem, String name) {
    String text =
        pem.orElseThrow(
            () -> new RefusedSettings("keys/%s does not exist: join first".formatted(name)));
    try (var in = new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII))) {
      var certificates =
          CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
              .map(X509Certificate.class::cast)
              .toList();
      if (certificates.isEmpty()) {
        throw new RefusedSettings("keys/%s holds no certificate: restore it".formatted(name));
      }
      return certificates;
    } catch (CertificateException | IOException e) {
      throw new RefusedSettings("keys/%s is no certificate in PEM".formatted(name), e);
    }
  }
}
