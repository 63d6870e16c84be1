package dev.comity.agent.participation;

import com.google.protobuf.ByteString;
import dev.comity.algorithm.LocalObjective;
import dev.comity.algorithm.ServerOptimizer;
import dev.comity.algorithm.ServerStep;
import dev.comity.algorithm.Weighting;
import dev.comity.codec.Bytes;
import dev.comity.formats.BuiltInModel;
import dev.comity.formats.OptimizerStateFile;
import dev.comity.formats.WeightsFile;
import dev.comity.formats.WeightsProvenance;
import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Architecture;
import dev.comity.plan.DataContract;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.LocalTraining;
import dev.comity.plan.LocalWork;
import dev.comity.plan.Loss;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunId;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.plan.VectorLayout;
import dev.comity.protocol.v1.Acknowledged;
import dev.comity.protocol.v1.AuditProofRequest;
import dev.comity.protocol.v1.AuditProofResponse;
import dev.comity.protocol.v1.CountersignRequest;
import dev.comity.protocol.v1.CountersignResponse;
import dev.comity.protocol.v1.FetchHeader;
import dev.comity.protocol.v1.FetchRequest;
import dev.comity.protocol.v1.FetchResponse;
import dev.comity.protocol.v1.HelloAccepted;
import dev.comity.protocol.v1.HelloRequest;
import dev.comity.protocol.v1.HelloResponse;
import dev.comity.protocol.v1.Ignored;
import dev.comity.protocol.v1.IssuedCertificate;
import dev.comity.protocol.v1.MembershipState;
import dev.comity.protocol.v1.NextAssignmentRequest;
import dev.comity.protocol.v1.NextAssignmentResponse;
import dev.comity.protocol.v1.Nothing;
import dev.comity.protocol.v1.Refusal;
import dev.comity.protocol.v1.RenewCertificateRequest;
import dev.comity.protocol.v1.RenewCertificateResponse;
import dev.comity.protocol.v1.ReportRequest;
import dev.comity.protocol.v1.ReportResponse;
import dev.comity.protocol.v1.RoundAbandoned;
import dev.comity.protocol.v1.RoundCommitted;
import dev.comity.protocol.v1.RoundEnded;
import dev.comity.protocol.v1.RoundOffer;
import dev.comity.protocol.v1.SendRequest;
import dev.comity.protocol.v1.SendResponse;
import dev.comity.protocol.v1.SessionEnded;
import dev.comity.protocol.v1.SessionPhase;
import dev.comity.protocol.v1.SessionStep;
import dev.comity.protocol.v1.SignedDocument;
import dev.comity.protocol.v1.SiteServiceGrpc;
import dev.comity.protocol.v1.UploadChunk;
import dev.comity.protocol.v1.UploadPosition;
import dev.comity.protocol.v1.UploadResponse;
import dev.comity.protocol.v1.UploadStatusRequest;
import dev.comity.protocol.v1.UploadStatusResponse;
import dev.comity.session.Certificate;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.transparency.AuditEntry;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.SumAccumulator;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.function.BiPredicate;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The least aggregator that a site cannot tell from a real one: real mutual TLS, real sessions,
/// real sums, no database. One run, one round at a time; the test decides when a round opens and
/// when its session begins, and may withhold views from a site.
final class TestAggregator implements AutoCloseable {
  private static final Context.Key<SiteId> CALLER = Context.key("caller");
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  static final RunId RUN = new RunId(UUID.fromString("11111111-2222-3333-4444-555555555555"));
  static final long SEED = 42;
  static final Architecture ARCHITECTURE =
      new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(2, 1));
  static final DataContract CONTRACT = DataContract.of(List.of("a", "b"), "y", ARCHITECTURE);

  final TestEnrolments enrolments;
  private final TestAuthority authority = new TestAuthority();
  private MessageKey key = MessageKey.generate();
  private MessageKey sessionKey = key;
  final TestAuditLog audit = new TestAuditLog(key);
  private final Server server;
  private final Path spool;

  // All below is guarded by this.
  private final Map<Digest, byte[]> content = new HashMap<>();
  private final Map<SiteId, Map<String, NextAssignmentResponse>> owed = new HashMap<>();
  private final Map<SiteId, List<ReportRequest>> reports = new HashMap<>();
  private final Map<SiteId, List<Digest>> openLocks = new HashMap<>();
  private final Map<SiteId, Path> uploads = new HashMap<>();
  private final Set<SiteId> greeted = new HashSet<>();
  private final Set<SiteId> shutOut = new HashSet<>();
  private final Map<Digest, List<Long>> fetched = new HashMap<>();
  private final Set<Digest> breaking = new HashSet<>();
  private final Set<SiteId> lost = new HashSet<>();
  private final Set<SiteId> answered = new HashSet<>();
  private @Nullable SiteId losing;
  private boolean breakingSums;
  private BiPredicate<SiteId, SignedView.Kind> withheld = (site, kind) -> false;
  private final List<SignedMembership> memberships = new ArrayList<>();
  private @Nullable SignedMembership membership;
  private @Nullable MembershipEpoch epoch;
  private @Nullable RoundPlan plan;
  private @Nullable ServerSession session;
  private ModelVersion version;
  private float[] weights;
  private float[] firstMoment;
  private float[] secondMoment;
  private int attempt;
  private @Nullable AggregateUpdate lastSum;

  TestAggregator(Path spool) throws Exception {
    this.spool = spool;
    var tls =
        GrpcSslContexts.configure(
                SslContextBuilder.forServer(authority.serverKey(), authority.serverChain())
                    .trustManager(authority.certificate())
                    .clientAuth(ClientAuth.REQUIRE))
            .build();
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .sslContext(tls)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .intercept(new Callers())
            .addService(new Service())
            .build()
            .start();
    enrolments = new TestEnrolments(authority, URI.create("https://localhost:" + server.getPort()));
    var model = BuiltInModel.of(ARCHITECTURE.family(), ARCHITECTURE.widths());
    weights = model.initialValues(SEED);
    firstMoment = new float[weights.length];
    secondMoment = new float[weights.length];
    version =
        put(
            new ModelVersion(
                TestEnrolments.FEDERATION,
                RUN,
                0,
                Optional.empty(),
                ARCHITECTURE,
                weightsDigest(WeightsProvenance.initial(RUN.toString())),
                stateDigest(WeightsProvenance.initial(RUN.toString())),
                ParameterLayout.of(ARCHITECTURE).digest(),
                Optional.empty()));
  }

  /// Lists every enrolled site.
  synchronized void admit() {
    show(listing(1, Optional.empty(), Instant.now().plus(1, ChronoUnit.DAYS)));
    audit.append(new AuditEntry.Membership(1, membership().digest()));
  }

  /// Every enrolled site in a list of this version, with nobody revoked.
  synchronized MembershipEpoch listing(long listed, Optional<Digest> previous, Instant expiresAt) {
    var end = expiresAt.truncatedTo(ChronoUnit.MILLIS);
    return new MembershipEpoch(
        TestEnrolments.FEDERATION,
        listed,
        end.minus(1, ChronoUnit.DAYS),
        end,
        key.publicKey(),
        enrolments.enrolled.entrySet().stream()
            .map(entry -> new MembershipEpoch.Member(entry.getKey(), entry.getValue()))
            .toList(),
        List.of(),
        1,
        List.of(new ArchitecturePattern("logistic-regression"), new ArchitecturePattern("mlp")),
        previous);
  }

  /// Shows this list from now on, signed by the consortium.
  synchronized void show(MembershipEpoch shown) {
    show(shown, enrolments.consortium);
  }

  /// As the other, signed by whoever this is.
  synchronized void show(MembershipEpoch shown, MessageKey signer) {
    epoch = shown;
    membership = SignedMembership.sign(shown, signer);
    memberships.add(membership);
    notifyAll();
  }

  /// Lists another message key of `site`, or of the aggregator when it is empty, and logs the list.
  /// The present session goes on under the keys of its roster.
  synchronized void rotate(Optional<SiteId> site, MessagePublicKey next) {
    MembershipEpoch before = required(epoch);
    MessagePublicKey former =
        site.flatMap(before::keyOf).orElseGet(() -> required(epoch).aggregator());
    var revocations = new ArrayList<>(before.revocations());
    revocations.add(
        new MembershipEpoch.Revocation(
            site, former.fingerprint(), before.issuedAt(), "key rotated"));
    show(
        new MembershipEpoch(
            before.federation(),
            before.version() + 1,
            before.issuedAt(),
            before.expiresAt(),
            site.isPresent() ? before.aggregator() : next,
            before.members().stream()
                .map(member ->
                    Optional.of(member.site()).equals(site)
                        ? new MembershipEpoch.Member(member.site(), next)
                        : member)
                .toList(),
            revocations,
            before.nCFloor(),
            before.allowedArchitectures(),
            Optional.of(before.digest())));
    audit.append(new AuditEntry.Membership(before.version() + 1, membership().digest()));
  }

  /// As the other, of the aggregator, which signs with `next` from now on.
  synchronized void rotate(MessageKey next) {
    key = next;
    audit.sign(next);
    rotate(Optional.empty(), next.publicKey());
  }

  /// Every list that was shown, oldest first.
  synchronized List<SignedMembership> memberships() {
    return List.copyOf(memberships);
  }

  /// From now on sessions are made from this list, which no site was shown.
  synchronized void pretend(MembershipEpoch shown) {
    epoch = shown;
  }

  synchronized MembershipEpoch epoch() {
    return required(epoch);
  }

  /// Offers a round to every member.
  synchronized RoundPlan open(int number, RunKind kind) {
    return open(number, kind, UnaryOperator.identity());
  }

  synchronized RoundPlan open(int number, RunKind kind, UnaryOperator<RoundPlan> change) {
    var encoding = new Encoding(32, 8);
    var terms =
        new UpdateTerms(
            TestEnrolments.FEDERATION,
            RUN,
            kind,
            "study",
            "test",
            CONTRACT.digest(),
            version.digest(),
            version.version(),
            ARCHITECTURE,
            version.weights(),
            version.optimizerState(),
            ParameterLayout.of(ARCHITECTURE),
            VectorLayout.of(kind, ARCHITECTURE, encoding, 1.0, 1000, 20),
            new LocalObjective.Plain(),
            new LocalTraining(Loss.BINARY_CROSS_ENTROPY, 8, new LocalWork.Batches(20), 0.1, 0, 0),
            SEED,
            new Weighting.ByExamples(100),
            1.0,
            new Noise.None(),
            encoding,
            1000,
            20,
            false);
    var members = required(epoch).members().stream().map(MembershipEpoch.Member::site).toList();
    RoundPlan opened =
        change.apply(
            new RoundPlan(
                terms,
                number,
                members,
                new ServerStep.Adam(0.05, 0.9, 0.99, 1e-3),
                4,
                1,
                3,
                Duration.ofMinutes(5),
                Duration.ofMinutes(30)));
    plan = opened;
    session = null;
    reports.clear();
    uploads.clear();
    content.put(opened.digest(), PlanCodec.encode(opened));
    for (SiteId site : members) {
      owe(
          site,
          "offer-" + opened.digest().hex(),
          NextAssignmentResponse.newBuilder()
              .setRoundOffer(
                  RoundOffer.newBuilder()
                      .setPlan(ByteString.copyFrom(PlanCodec.encode(opened)))
                      .setModelVersion(ByteString.copyFrom(PlanCodec.encode(version)))
                      .setRemainingMs(opened.hardLimit().toMillis())));
    }
    notifyAll();
    return opened;
  }

  /// Begins a session over these sites, which must be ready.
  synchronized Digest begin(Collection<SiteId> roster) {
    return begin(roster, 1);
  }

  synchronized Digest begin(Collection<SiteId> roster, long federationEpoch) {
    var limits = new SessionDescriptor.Limits(Duration.ofMinutes(1), Duration.ofMinutes(5));
    byte[] nonce = new byte[32];
    nonce[0] = (byte) ++attempt;
    var descriptor =
        SessionDescriptor.of(
            required(plan),
            federationEpoch,
            attempt,
            Digest.of(nonce),
            Optional.empty(),
            required(epoch),
            roster,
            limits,
            limits,
            limits);
    session = ServerSession.open(descriptor, required(epoch));
    sessionKey = key;
    notifyAll();
    return descriptor.id();
  }

  /// No longer asks `site` for the answer to views of these kinds.
  synchronized void withhold(BiPredicate<SiteId, SignedView.Kind> which) {
    withheld = which;
    notifyAll();
  }

  /// Loses the unmask answers of `site`, or of nobody.
  synchronized void loseAnswersOf(@Nullable SiteId site) {
    losing = site;
  }

  synchronized boolean lostAnswerOf(SiteId site) {
    return lost.contains(site);
  }

  synchronized boolean answered(SiteId site) {
    return answered.contains(site);
  }

  /// Ends the first fetch of every sum from now on after one piece.
  synchronized void breakFetchesOfSums() {
    breakingSums = true;
  }

  /// From which offsets content was asked for.
  synchronized List<Long> fetchedFrom(Digest digest) {
    return List.copyOf(fetched.getOrDefault(digest, List.of()));
  }

  synchronized void deadline(SignedMessage.Phase phase) {
    apply(new SessionEvent.PhaseDeadlinePassed(phase));
  }

  /// Whether a session of the present round has begun.
  synchronized boolean hasSession() {
    return session != null;
  }

  synchronized ServerSession.State state() {
    return required(session).state();
  }

  synchronized boolean deliveredInput(SiteId site) {
    return session != null && uploads.containsKey(site);
  }

  synchronized ModelVersion version() {
    return version;
  }

  synchronized byte[] content(Digest digest) {
    return required(content.get(digest));
  }

  synchronized SignedMembership membership() {
    return required(membership);
  }

  /// Weights and optimizer state of the present version, as files.
  synchronized List<byte[]> tensorFiles(WeightsProvenance provenance) {
    var model = BuiltInModel.of(ARCHITECTURE.family(), ARCHITECTURE.widths());
    return List.of(
        WeightsFile.encode(model.tensors(), weights, provenance).toBytes(),
        OptimizerStateFile.encode(firstMoment, secondMoment, provenance).toBytes());
  }

  /// Changes the log and wakes the sites that wait.
  synchronized void audit(Consumer<TestAuditLog> change) {
    change.accept(audit);
    notifyAll();
  }

  synchronized float[] weights() {
    return weights.clone();
  }

  synchronized AggregateUpdate lastSum() {
    return required(lastSum);
  }

  synchronized List<ReportRequest> reports(SiteId site) {
    return List.copyOf(reports.getOrDefault(site, List.of()));
  }

  synchronized List<Digest> openLocks(SiteId site) {
    return openLocks.getOrDefault(site, List.of());
  }

  /// Refuses every call of `site` from now on, or no longer.
  synchronized void shutOut(SiteId site, boolean out) {
    if (out) {
      shutOut.add(site);
    } else {
      shutOut.remove(site);
    }
    greeted.remove(site);
    notifyAll();
  }

  synchronized void forgetGreeting(SiteId site) {
    greeted.remove(site);
  }

  synchronized boolean greeted(SiteId site) {
    return greeted.contains(site);
  }

  /// Sites that reported ready for the present round.
  synchronized Set<SiteId> ready() {
    var ready = new TreeSet<SiteId>();
    reports.forEach((site, said) -> {
      if (said.stream().anyMatch(ReportRequest::hasReady)) {
        ready.add(site);
      }
    });
    return ready;
  }

  /// Replaces the present version by one whose weights nobody can derive.
  synchronized void forgeVersion() {
    version =
        put(
            new ModelVersion(
                version.federation(),
                version.run(),
                version.version(),
                version.parent(),
                version.architecture(),
                Digest.of(new byte[] {1}),
                version.optimizerState(),
                version.parameters(),
                version.origin()));
  }

  /// Sums, steps and tells every member, once the session is done.
  synchronized void commit() throws IOException {
    var done = required(session);
    var current = required(plan);
    var survivors = done.survivors();
    var sum = new SumAccumulator(current.terms().vector(), 1);
    for (SiteId site : survivors) {
      sum.add(required(uploads.get(site)));
    }
    sum.remove(done.recovery());
    lastSum = sum.decode(survivors.size());
    byte[] artifact = lastSum.encode();
    content.put(Digest.of(artifact), artifact);
    if (breakingSums) {
      breaking.add(Digest.of(artifact));
    }
    byte[] transcript = done.transcript();
    content.put(Digest.of(transcript), transcript);
    var committed =
        RoundCommitted.newBuilder()
            .setPlanDigest(bytes(current.digest()))
            .setSumDigest(bytes(Digest.of(artifact)))
            .setTranscriptDigest(bytes(Digest.of(transcript)));
    if (current.terms().kind() == RunKind.TRAIN) {
      ServerOptimizer.apply(
          current.serverStep(), weights, firstMoment, secondMoment, lastSum.mean());
      var provenance =
          WeightsProvenance.ofRound(
              RUN.toString(), current.round(), current.digest().hex(), version.digest().hex());
      version =
          put(
              new ModelVersion(
                  version.federation(),
                  RUN,
                  version.version() + 1,
                  Optional.of(version.digest()),
                  ARCHITECTURE,
                  weightsDigest(provenance),
                  stateDigest(provenance),
                  version.parameters(),
                  Optional.of(
                      new ModelVersion.Origin(
                          current.round(),
                          current.digest(),
                          Digest.of(artifact),
                          Digest.of(transcript),
                          survivors,
                          current.serverStep()))));
      committed.setModelVersion(ByteString.copyFrom(PlanCodec.encode(version)));
    }
    endSession();
    audit.append(
        new AuditEntry.Round(
            RUN,
            current.round(),
            current.digest(),
            Digest.of(artifact),
            Digest.of(transcript),
            Optional.of(version.digest()).filter(any -> current.terms().kind() == RunKind.TRAIN)));
    end(current, RoundEnded.newBuilder().setCommitted(committed));
  }

  /// Tells every member that the round ended without a result.
  synchronized void abandon(String reason) {
    end(
        required(plan),
        RoundEnded.newBuilder().setAbandoned(RoundAbandoned.newBuilder().setReason(reason)));
  }

  /// Shows the certificate to everyone in the roster.
  synchronized void endSession() {
    var ended = required(session);
    var message = SessionEnded.newBuilder().setSessionId(bytes(ended.descriptor().id()));
    ended
        .certificate()
        .ifPresent(certificate -> {
          content.put(certificate.digest(), certificate.encode());
          message.setCertificateDigest(bytes(certificate.digest()));
        });
    byte[] transcript = ended.transcript();
    content.put(Digest.of(transcript), transcript);
    audit.append(
        new AuditEntry.Session(
            ended.descriptor().id(),
            RUN,
            ended.descriptor().plan(),
            ended.state() == ServerSession.State.DONE
                ? AuditEntry.SessionOutcome.SUMMED
                : AuditEntry.SessionOutcome.ABORTED,
            Digest.of(transcript),
            ended.certificate().map(Certificate::digest)));
    for (var seat : ended.descriptor().roster()) {
      owe(
          seat.site(),
          "ended-" + ended.descriptor().id().hex(),
          NextAssignmentResponse.newBuilder().setSessionEnded(message));
    }
    session = null;
    notifyAll();
  }

  private void end(RoundPlan current, RoundEnded.Builder result) {
    result.setRunId(RUN.toString()).setRound(current.round());
    for (SiteId site : current.cohort()) {
      required(owed.get(site)).remove("offer-" + current.digest().hex());
      owe(
          site,
          "round-" + current.digest().hex(),
          NextAssignmentResponse.newBuilder().setRoundEnded(result));
    }
    plan = null;
    notifyAll();
  }

  /// Waits for something that the sites bring about.
  void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    synchronized (this) {
      while (!condition.getAsBoolean()) {
        long left = (end - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          throw new AssertionError("waited in vain until " + what + "; reports: " + reports);
        }
        wait(Math.min(left, 200));
      }
    }
  }

  @Override
  public void close() {
    enrolments.close();
    server.shutdownNow();
  }

  private ModelVersion put(ModelVersion document) {
    content.put(document.digest(), PlanCodec.encode(document));
    return document;
  }

  private Digest weightsDigest(WeightsProvenance provenance) {
    var model = BuiltInModel.of(ARCHITECTURE.family(), ARCHITECTURE.widths());
    return Digest.of(WeightsFile.encode(model.tensors(), weights, provenance).toBytes());
  }

  private Digest stateDigest(WeightsProvenance provenance) {
    return Digest.of(OptimizerStateFile.encode(firstMoment, secondMoment, provenance).toBytes());
  }

  private void owe(SiteId site, String id, NextAssignmentResponse.Builder assignment) {
    owed.computeIfAbsent(site, any -> new LinkedHashMap<>()).put(id, assignment.setId(id).build());
  }

  private ServerSession.@Nullable Transition apply(SessionEvent event) {
    if (session == null) {
      return null;
    }
    var transition = session.on(event);
    if (transition instanceof ServerSession.Transition.Moved(var next)) {
      session = next;
      notifyAll();
    }
    return transition;
  }

  private @Nullable NextAssignmentResponse next(SiteId site, Set<String> handled) {
    if (membership != null && !handled.contains("membership-" + membership.digest().hex())) {
      return NextAssignmentResponse.newBuilder()
          .setId("membership-" + membership.digest().hex())
          .setMembershipChanged(
              dev.comity.protocol.v1.MembershipChanged.newBuilder().setMembership(signed()))
          .build();
    }
    for (var entry : owed.getOrDefault(site, Map.of()).entrySet()) {
      boolean answered =
          entry.getValue().hasRoundOffer()
              && reports.getOrDefault(site, List.of()).stream()
                  .anyMatch(said -> said.hasReady() || said.hasRefused() || said.hasFailed());
      if (!answered && !handled.contains(entry.getKey())) {
        return entry.getValue();
      }
    }
    var step = session == null ? null : step(session, site, handled);
    return step == null ? audit.owed(site, handled) : step;
  }

  private @Nullable NextAssignmentResponse step(
      ServerSession current, SiteId site, Set<String> handled) {
    for (var each : current.owed()) {
      if (each.site().equals(site) && !withheld.test(site, each.view())) {
        SignedView view = current.viewFor(site, sessionKey).orElseThrow();
        content.put(view.digest(), view.encode());
        String id = "step-" + view.digest().hex();
        if (!handled.contains(id)) {
          return NextAssignmentResponse.newBuilder()
              .setId(id)
              .setSessionStep(
                  SessionStep.newBuilder()
                      .setSessionId(bytes(current.descriptor().id()))
                      .setPhase(phase(each.view()))
                      .setViewDigest(bytes(view.digest())))
              .build();
        }
      }
    }
    return null;
  }

  private static SessionPhase phase(SignedView.Kind kind) {
    return switch (kind) {
      case DESCRIPTOR -> SessionPhase.SESSION_PHASE_ADVERTISE_KEYS;
      case KEYS -> SessionPhase.SESSION_PHASE_SHARE_KEYS;
      case SHARES -> SessionPhase.SESSION_PHASE_MASKED_INPUT;
      case HEADERS -> SessionPhase.SESSION_PHASE_VOTE;
      case RELEASE -> SessionPhase.SESSION_PHASE_RELEASE;
      case CERTIFICATE -> SessionPhase.SESSION_PHASE_UNMASK;
      case ABORT_PROPOSAL -> SessionPhase.SESSION_PHASE_ABORT_VOTE;
    };
  }

  private SignedDocument signed() {
    return SignedDocument.newBuilder()
        .setDocument(ByteString.copyFrom(required(membership).document().toByteArray()))
        .setSignature(ByteString.copyFrom(required(membership).signature().toByteArray()))
        .build();
  }

  private static ByteString bytes(Digest digest) {
    return ByteString.copyFrom(digest.bytes());
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("the test has not come that far");
    }
    return value;
  }

  /// Knows the caller by the name in its certificate.
  private static final class Callers implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      try {
        var tls = required(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION));
        var certificate = (X509Certificate) tls.getPeerCertificates()[0];
        String name = certificate.getSubjectAlternativeNames().iterator().next().get(1).toString();
        var site = new SiteId(name.substring(name.lastIndexOf('/') + 1));
        return Contexts.interceptCall(
            Context.current().withValue(CALLER, site), call, headers, next);
      } catch (Exception e) {
        throw new IllegalStateException("a caller without a name", e);
      }
    }
  }

  private final class Service extends SiteServiceGrpc.SiteServiceImplBase {
    @Override
    public void hello(HelloRequest request, StreamObserver<HelloResponse> out) {
      synchronized (TestAggregator.this) {
        if (shutOut.contains(CALLER.get())) {
          out.onError(Status.PERMISSION_DENIED.withDescription("revoked").asException());
          return;
        }
        openLocks.put(
            CALLER.get(),
            request.getOpenLocksList().stream()
                .map(lock -> Digest.ofValue(lock.getTermsDigest().toByteArray()))
                .toList());
        greeted.add(CALLER.get());
        var accepted =
            HelloAccepted.newBuilder()
                .setWireVersion(1)
                .setFederation(TestEnrolments.FEDERATION.value())
                .setFederationEpoch(1)
                .setState(
                    membership == null
                        ? MembershipState.MEMBERSHIP_STATE_PENDING
                        : MembershipState.MEMBERSHIP_STATE_ACTIVE);
        if (membership != null) {
          accepted.setMembership(signed());
        }
        answer(out, HelloResponse.newBuilder().setAccepted(accepted).build());
        TestAggregator.this.notifyAll();
      }
    }

    @Override
    public void nextAssignment(
        NextAssignmentRequest request, StreamObserver<NextAssignmentResponse> out) {
      var handled = Set.copyOf(request.getHandledList());
      long end = System.nanoTime() + request.getWaitMs() * 1_000_000L;
      synchronized (TestAggregator.this) {
        if (!greeted.contains(CALLER.get())) {
          out.onError(Status.FAILED_PRECONDITION.withDescription("say Hello first").asException());
          return;
        }
        var next = next(CALLER.get(), handled);
        while (next == null && System.nanoTime() < end && !Context.current().isCancelled()) {
          try {
            TestAggregator.this.wait(100);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
          }
          next = next(CALLER.get(), handled);
        }
        answer(
            out,
            next == null
                ? NextAssignmentResponse.newBuilder()
                    .setNothing(Nothing.getDefaultInstance())
                    .build()
                : next);
      }
    }

    @Override
    public void report(ReportRequest request, StreamObserver<ReportResponse> out) {
      synchronized (TestAggregator.this) {
        var current = plan;
        if (current == null || !bytes(current.digest()).equals(request.getPlanDigest())) {
          answer(
              out,
              ReportResponse.newBuilder()
                  .setRefused(Refusal.newBuilder().setCode("over").setDetail("round is over"))
                  .build());
          return;
        }
        reports.computeIfAbsent(CALLER.get(), any -> new ArrayList<>()).add(request);
        TestAggregator.this.notifyAll();
        answer(
            out,
            ReportResponse.newBuilder().setAcknowledged(Acknowledged.getDefaultInstance()).build());
      }
    }

    @Override
    public void fetch(FetchRequest request, StreamObserver<FetchResponse> out) {
      synchronized (TestAggregator.this) {
        byte[] found = content.get(Digest.ofValue(request.getDigest().toByteArray()));
        if (found == null) {
          answer(
              out,
              FetchResponse.newBuilder()
                  .setRefused(Refusal.newBuilder().setCode("unknown").setDetail("no such content"))
                  .build());
          return;
        }
        out.onNext(
            FetchResponse.newBuilder()
                .setHeader(FetchHeader.newBuilder().setTotalBytes(found.length))
                .build());
        Digest digest = Digest.ofValue(request.getDigest().toByteArray());
        fetched.computeIfAbsent(digest, any -> new ArrayList<>()).add(request.getOffset());
        int piece = 100; // small, so that content comes in several chunks
        for (int at = (int) request.getOffset(); at < found.length; at += piece) {
          if (at > request.getOffset() && breaking.remove(digest)) {
            out.onError(Status.UNAVAILABLE.withDescription("the line breaks").asException());
            return;
          }
          out.onNext(
              FetchResponse.newBuilder()
                  .setChunk(ByteString.copyFrom(found, at, Math.min(piece, found.length - at)))
                  .build());
        }
        out.onCompleted();
      }
    }

    @Override
    public void send(SendRequest request, StreamObserver<SendResponse> out) {
      var message = request.getMessage();
      synchronized (TestAggregator.this) {
        var phase =
            switch (message.getPhase()) {
              case SESSION_PHASE_ADVERTISE_KEYS -> SignedMessage.Phase.ADVERTISE_KEYS;
              case SESSION_PHASE_SHARE_KEYS -> SignedMessage.Phase.SHARE_KEYS;
              case SESSION_PHASE_MASKED_INPUT -> SignedMessage.Phase.MASKED_INPUT;
              case SESSION_PHASE_VOTE, SESSION_PHASE_ABORT_VOTE -> SignedMessage.Phase.VOTE;
              case SESSION_PHASE_RELEASE -> SignedMessage.Phase.RELEASE;
              case SESSION_PHASE_UNMASK -> SignedMessage.Phase.UNMASK;
              case SESSION_PHASE_UNSPECIFIED, UNRECOGNIZED ->
                  throw new IllegalArgumentException("no phase");
            };
        if (phase == SignedMessage.Phase.UNMASK) {
          if (CALLER.get().equals(losing)) {
            lost.add(CALLER.get());
            TestAggregator.this.notifyAll();
            out.onError(Status.UNAVAILABLE.withDescription("the line breaks").asException());
            return;
          }
          answered.add(CALLER.get());
        }
        var transition =
            apply(
                new SessionEvent.MessageReceived(
                    new SignedMessage(
                        Digest.ofValue(message.getSessionId().toByteArray()),
                        CALLER.get(),
                        phase,
                        Bytes.of(message.getBody().toByteArray()),
                        Bytes.of(message.getSignature().toByteArray()))));
        var response = SendResponse.newBuilder();
        switch (transition) {
          case null -> response.setIgnored(Ignored.newBuilder().setDetail("no session"));
          case ServerSession.Transition.Moved _ ->
              response.setAccepted(Acknowledged.getDefaultInstance());
          case ServerSession.Transition.Ignored(_, var why) ->
              response.setIgnored(Ignored.newBuilder().setDetail(why));
          case ServerSession.Transition.Refused(var code, var why) ->
              response.setRefused(Refusal.newBuilder().setCode(code.name()).setDetail(why));
        }
        answer(out, response.build());
      }
    }

    @Override
    public void uploadStatus(
        UploadStatusRequest request, StreamObserver<UploadStatusResponse> out) {
      synchronized (TestAggregator.this) {
        boolean complete = uploads.containsKey(CALLER.get());
        answer(
            out,
            UploadStatusResponse.newBuilder()
                .setPosition(UploadPosition.newBuilder().setComplete(complete))
                .build());
      }
    }

    @Override
    public StreamObserver<UploadChunk> uploadMasked(StreamObserver<UploadResponse> out) {
      SiteId site = CALLER.get();
      var received = new java.io.ByteArrayOutputStream();
      return new StreamObserver<>() {
        @Override
        public void onNext(UploadChunk chunk) {
          received.writeBytes(chunk.getData().toByteArray());
        }

        @Override
        public void onError(Throwable failure) {
          received.reset();
        }

        @Override
        public void onCompleted() {
          try {
            answer(out, stored(site, received.toByteArray()));
          } catch (IOException e) {
            out.onError(e);
          }
        }
      };
    }

    @Override
    public void auditProof(AuditProofRequest request, StreamObserver<AuditProofResponse> out) {
      synchronized (TestAggregator.this) {
        answer(out, audit.proof(request));
      }
    }

    @Override
    public void countersign(CountersignRequest request, StreamObserver<CountersignResponse> out) {
      synchronized (TestAggregator.this) {
        audit.countersign(CALLER.get(), request);
        answer(
            out,
            CountersignResponse.newBuilder()
                .setAcknowledged(Acknowledged.getDefaultInstance())
                .build());
        TestAggregator.this.notifyAll();
      }
    }

    @Override
    public void renewCertificate(
        RenewCertificateRequest request, StreamObserver<RenewCertificateResponse> out) {
      answer(
          out,
          RenewCertificateResponse.newBuilder()
              .setIssued(
                  IssuedCertificate.newBuilder()
                      .setChainPem(
                          ByteString.copyFromUtf8(
                              authority.issueFor(request.getCsr().toByteArray()))))
              .build());
    }

    private UploadResponse stored(SiteId site, byte[] vector) throws IOException {
      synchronized (TestAggregator.this) {
        Path file = Files.write(spool.resolve(site.value() + "-" + attempt + ".y"), vector);
        Digest root = MaskedUpdate.chunkRootOf(file);
        if (!required(session).headerRoot(site).equals(Optional.of(root))) {
          return UploadResponse.newBuilder()
              .setRefused(Refusal.newBuilder().setCode("root").setDetail("another chunk root"))
              .build();
        }
        uploads.put(site, file);
        apply(new SessionEvent.MaskedInputStored(site, root));
        return UploadResponse.newBuilder()
            .setReceived(UploadPosition.newBuilder().setOffset(vector.length).setComplete(true))
            .build();
      }
    }

    private <T> void answer(StreamObserver<T> out, T value) {
      out.onNext(value);
      out.onCompleted();
    }
  }
}
