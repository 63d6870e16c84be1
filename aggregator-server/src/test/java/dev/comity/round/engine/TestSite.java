package dev.comity.round.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.comity.codec.Bytes;
import dev.comity.formats.BuiltInModel;
import dev.comity.formats.SafetensorsFile;
import dev.comity.formats.WeightsFile;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.CountersignRequest;
import dev.comity.protocol.v1.FetchRequest;
import dev.comity.protocol.v1.HelloRequest;
import dev.comity.protocol.v1.NextAssignmentRequest;
import dev.comity.protocol.v1.NextAssignmentResponse;
import dev.comity.protocol.v1.OpenLock;
import dev.comity.protocol.v1.Paused;
import dev.comity.protocol.v1.Permitted;
import dev.comity.protocol.v1.Progress;
import dev.comity.protocol.v1.Ready;
import dev.comity.protocol.v1.RefusedByPolicy;
import dev.comity.protocol.v1.ReportRequest;
import dev.comity.protocol.v1.SendRequest;
import dev.comity.protocol.v1.SendResponse;
import dev.comity.protocol.v1.SessionEnded;
import dev.comity.protocol.v1.SessionPhase;
import dev.comity.protocol.v1.SessionStep;
import dev.comity.protocol.v1.SignedDocument;
import dev.comity.protocol.v1.SiteServiceGrpc;
import dev.comity.protocol.v1.UploadChunk;
import dev.comity.protocol.v1.UploadResponse;
import dev.comity.protocol.v1.UploadStatusRequest;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionRefusal;
import dev.comity.session.SignedMessage;
import dev.comity.session.SiteSession;
import dev.comity.session.SiteVault;
import dev.comity.session.Standing;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.SignedHead;
import dev.comity.update.LocalUpdate;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.Metrics;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A site that follows the protocol through the real site side of a session; its training adds
/// [#STEP] to every weight. One thread a site; stopping it is the death of the agent, whose vault
/// another one over the same folder opens again.
final class TestSite implements AutoCloseable {

  static final float STEP = 0.01f;

  private static final Logger LOG = LoggerFactory.getLogger(TestSite.class);

  private final SiteId id;
  private final TestFederation federation;
  private final SiteVault vault;
  private final ManagedChannel channel;
  private final SiteServiceGrpc.SiteServiceBlockingStub calls;
  private final SiteServiceGrpc.SiteServiceStub streams;
  private final Map<Digest, Offer> offers = new HashMap<>();
  private final Map<Digest, SiteSession> sessions = new ConcurrentHashMap<>();
  private final Set<String> handled = new HashSet<>();

  /// Phases whose message this site withholds.
  private final Set<SignedMessage.Phase> withheld = ConcurrentHashMap.newKeySet();

  private final Map<SignedMessage.Phase, CountDownLatch> asked = new ConcurrentHashMap<>();
  private final Semaphore trained = new Semaphore(1_000_000);
  private final CompletableFuture<SessionStep> withheldShares = new CompletableFuture<>();
  private final CountDownLatch greeted = new CountDownLatch(1);
  private volatile @Nullable Paused pause;
  private volatile boolean refuses;
  private volatile boolean drifts;
  private volatile boolean stopped;
  private final Thread thread;

  private record Offer(RoundPlan plan, NoisedUpdate update) {}

  TestSite(String aggregator, SiteId id, Path directory, TestFederation federation)
      throws IOException {
    this.id = id;
    this.federation = federation;
    this.vault = SiteVault.inDirectory(directory.resolve(id.value()), TestFederation.secretOf(id));
    this.channel = InProcessChannelBuilder.forName(aggregator).build();
    var header = new Metadata();
    header.put(TestAggregator.SITE, id.value());
    var identified = MetadataUtils.newAttachHeadersInterceptor(header);
    this.calls = SiteServiceGrpc.newBlockingStub(channel).withInterceptors(identified);
    this.streams = SiteServiceGrpc.newStub(channel).withInterceptors(identified);
    for (var phase : SignedMessage.Phase.values()) {
      asked.put(phase, new CountDownLatch(1));
    }
    this.thread = Thread.ofVirtual().name(id.value()).unstarted(this::live);
  }

  TestSite start() {
    thread.start();
    return this;
  }

  TestSite withholding(SignedMessage.Phase... phases) {
    withheld.addAll(List.of(phases));
    return this;
  }

  /// Sends again what it withheld so far, as soon as it is asked.
  void relent() {
    withheld.clear();
  }

  TestSite refusing() {
    refuses = true;
    return this;
  }

  /// Deals shares of other secrets than it committed to, as a site with a broken memory does.
  TestSite drifting() {
    drifts = true;
    return this;
  }

  /// Permits plans but never finishes until [#train].
  TestSite slow() {
    trained.drainPermits();
    return this;
  }

  /// Permits plans and says that it is paused, again and again as sites do; never trains.
  TestSite pausing(String reason, Instant until) {
    pause =
        Paused.newBuilder().setReason(reason).setExpectedUntilUnixMs(until.toEpochMilli()).build();
    return slow();
  }

  void train() {
    trained.release(1_000_000);
  }

  /// Waits until the site was asked for this phase.
  void awaitAsked(SignedMessage.Phase phase) throws InterruptedException {
    var latch = asked.get(phase);
    if (latch == null || !latch.await(60, TimeUnit.SECONDS)) {
      throw new AssertionError(id + " was not asked for " + phase);
    }
  }

  void awaitGreeted() throws InterruptedException {
    assertThat(greeted.await(60, TimeUnit.SECONDS)).isTrue();
  }

  SiteServiceGrpc.SiteServiceBlockingStub calls() {
    return calls;
  }

  private void live() {
    try {
      while (!stopped) {
        try {
          hello();
          while (!stopped) {
            var next =
                calls.nextAssignment(
                    NextAssignmentRequest.newBuilder()
                        .addAllHandled(handled)
                        .setWaitMs(30_000)
                        .build());
            if (handle(next)) {
              handled.add(next.getId());
            }
          }
        } catch (StatusRuntimeException broken) {
          if (stopped) {
            return;
          }
          switch (broken.getStatus().getCode()) {
            case UNAVAILABLE, CANCELLED, INTERNAL, UNKNOWN -> federation.awaitOpen();
            case FAILED_PRECONDITION -> {} // a new aggregator wants to be greeted
            default -> throw broken;
          }
        }
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private void hello() {
    var request =
        HelloRequest.newBuilder()
            .setWireVersion(1)
            .setAgentVersion("test")
            .setMessageKey(bytes(federation.key(id).publicKey().bytes()));
    vault
        .locks()
        .forEach((terms, session) ->
            request.addOpenLocks(
                OpenLock.newBuilder()
                    .setSessionId(bytes(session.bytes()))
                    .setTermsDigest(bytes(terms.bytes()))));
    var answer = calls.hello(request.build());
    if (!answer.hasAccepted()) {
      throw new AssertionError("Hello was refused: " + answer.getRefused().getDetail());
    }
    greeted.countDown();
  }

  /// Whether the assignment is dealt with.
  private boolean handle(NextAssignmentResponse next) throws IOException, InterruptedException {
    return switch (next.getAssignmentCase()) {
      case ROUND_OFFER -> offered(next);
      case SESSION_STEP -> step(next.getSessionStep());
      case SESSION_ENDED -> sessionEnded(next.getSessionEnded());
      case ROUND_ENDED, MEMBERSHIP_CHANGED -> true;
      case AUDIT_HEAD -> countersign(next.getAuditHead().getHead());
      case NOTHING, ASSIGNMENT_NOT_SET -> false;
    };
  }

  private boolean countersign(SignedDocument document) {
    var head =
        new SignedHead(
            Bytes.of(document.getDocument().toByteArray()),
            Bytes.of(document.getSignature().toByteArray()));
    var size = head.verify(federation.messageKey().publicKey()).size();
    var made = Countersignature.sign(id, head, federation.key(id));
    var answer =
        calls.countersign(
            CountersignRequest.newBuilder()
                .setSize(size)
                .setHeadDigest(bytes(made.head().bytes()))
                .setSignature(bytes(made.signature().toByteArray()))
                .build());
    if (!answer.hasAcknowledged()) {
      throw new AssertionError("countersignature refused: " + answer.getRefused().getDetail());
    }
    return true;
  }

  private boolean offered(NextAssignmentResponse next) throws InterruptedException {
    var bytes = next.getRoundOffer().getPlan().toByteArray();
    var plan = PlanCodec.decodePlan(bytes);
    if (next.getRoundOffer().getRemainingMs() > plan.hardLimit().toMillis()) {
      throw new AssertionError("an offer promises more time than the plan's hard limit");
    }
    var report =
        ReportRequest.newBuilder()
            .setRunId(plan.terms().run().toString())
            .setRound(plan.round())
            .setPlanDigest(bytes(Digest.of(bytes).bytes()));
    if (refuses) {
      calls.report(
          report.setRefused(RefusedByPolicy.newBuilder().addReasons("not in this test")).build());
      return true;
    }
    calls.report(report.setPermitted(Permitted.getDefaultInstance()).build());
    var paused = pause;
    if (paused != null) {
      calls.report(report.setPaused(paused).build());
      calls.report(report.setPaused(paused).build());
    }
    var terms = plan.terms();
    switch (Standing.of(vault, terms.digest())) {
      case SPENT, IN_DOUBT -> {
        calls.report(
            report
                .setRefused(RefusedByPolicy.newBuilder().addReasons("spent or in doubt"))
                .build());
        return true;
      }
      case UNSENT, FREE -> {}
    }
    if (!trained.tryAcquire()) {
      Thread.ofVirtual()
          .start(() -> {
            trained.acquireUninterruptibly();
            ready(report, plan);
          });
      return true;
    }
    calls.report(report.setProgress(Progress.newBuilder().setTenths(5)).build());
    ready(report, plan);
    return true;
  }

  private void ready(ReportRequest.Builder report, RoundPlan plan) {
    var terms = plan.terms();
    synchronized (offers) {
      offers.put(plan.digest(), new Offer(plan, update(plan)));
    }
    calls.report(
        report.setReady(Ready.newBuilder().setTermsDigest(bytes(terms.digest().bytes()))).build());
  }

  private NoisedUpdate update(RoundPlan plan) {
    var terms = plan.terms();
    var metrics =
        new Metrics(5, 8, 10, TestFederation.histogram(4, 5), TestFederation.histogram(20, 5));
    LocalUpdate update;
    if (terms.kind() == RunKind.TRAIN) {
      var delta =
          new float
              [BuiltInModel.of(terms.architecture().family(), terms.architecture().widths())
                  .size()];
      Arrays.fill(delta, STEP);
      update = LocalUpdate.of(delta, terms.weighting().weight(10), metrics);
    } else {
      update = LocalUpdate.ofMetrics(metrics);
    }
    return update
        .clip(terms.clipNorm())
        .encode(
            terms.vector(),
            RoundingKey.derive(
                TestFederation.secretOf(id),
                terms.run(),
                terms.kind(),
                terms.baseVersion(),
                base(terms.weights())))
        .noise(terms.noise());
  }

  private float[] base(Digest weights) {
    var file = fetch(weights);
    if (file == null) {
      throw new AssertionError("the weights of the plan cannot be fetched");
    }
    return WeightsFile.decode(
        BuiltInModel.of(TestFederation.MODEL.family(), TestFederation.MODEL.widths()).tensors(),
        SafetensorsFile.of(file));
  }

  private boolean step(SessionStep step) throws IOException, InterruptedException {
    var session = Digest.ofValue(step.getSessionId().toByteArray());
    var phase =
        switch (step.getPhase()) {
          case SESSION_PHASE_ADVERTISE_KEYS -> SignedMessage.Phase.ADVERTISE_KEYS;
          case SESSION_PHASE_SHARE_KEYS -> SignedMessage.Phase.SHARE_KEYS;
          case SESSION_PHASE_MASKED_INPUT -> SignedMessage.Phase.MASKED_INPUT;
          case SESSION_PHASE_VOTE, SESSION_PHASE_ABORT_VOTE -> SignedMessage.Phase.VOTE;
          case SESSION_PHASE_RELEASE -> SignedMessage.Phase.RELEASE;
          case SESSION_PHASE_UNMASK -> SignedMessage.Phase.UNMASK;
          case SESSION_PHASE_UNSPECIFIED, UNRECOGNIZED -> throw new AssertionError(step);
        };
    Optional.ofNullable(asked.get(phase)).orElseThrow().countDown();
    if (withheld.contains(phase) && step.getPhase() != SessionPhase.SESSION_PHASE_ABORT_VOTE) {
      if (phase == SignedMessage.Phase.MASKED_INPUT) {
        withheldShares.complete(step);
      }
      return true;
    }
    var view = fetch(Digest.ofValue(step.getViewDigest().toByteArray()));
    if (view == null) {
      LOG.atWarn().addKeyValue("site", id).addKeyValue("phase", phase).log("view is gone");
      return true;
    }
    try {
      send(step.getPhase(), session, answer(step, session, view));
    } catch (SessionRefusal refused) {
      LOG.atWarn()
          .addKeyValue("site", id)
          .addKeyValue("phase", phase)
          .addKeyValue("reason", refused.getMessage())
          .log("session step refused by the site");
    }
    return true;
  }

  private SignedMessage answer(SessionStep step, Digest id, byte[] view)
      throws IOException, InterruptedException {
    if (step.getPhase() == SessionPhase.SESSION_PHASE_ADVERTISE_KEYS) {
      return sessions.computeIfAbsent(id, _ -> open(view)).advertise();
    }
    if (drifts && step.getPhase() == SessionPhase.SESSION_PHASE_SHARE_KEYS) {
      return SiteSession.reopen(self(anotherSeed()), id, this::stored).share(view);
    }
    var session = sessions.computeIfAbsent(id, _ -> SiteSession.reopen(self(), id, this::stored));
    return switch (step.getPhase()) {
      case SESSION_PHASE_SHARE_KEYS -> session.share(view);
      case SESSION_PHASE_MASKED_INPUT -> {
        var input = session.mask(view);
        send(step.getPhase(), id, input.header());
        upload(id, input.update());
        yield input.header();
      }
      case SESSION_PHASE_VOTE -> session.vote(view);
      case SESSION_PHASE_ABORT_VOTE -> session.abort(view);
      case SESSION_PHASE_RELEASE -> session.release(view);
      case SESSION_PHASE_UNMASK -> session.unmask(view);
      case SESSION_PHASE_ADVERTISE_KEYS, SESSION_PHASE_UNSPECIFIED, UNRECOGNIZED ->
          throw new AssertionError(step);
    };
  }

  private Optional<NoisedUpdate> stored(SessionDescriptor descriptor) {
    synchronized (offers) {
      return offers.values().stream()
          .filter(offer -> offer.plan().terms().digest().equals(descriptor.terms()))
          .map(Offer::update)
          .findFirst();
    }
  }

  private SiteSession open(byte[] view) {
    RuntimeException last = new IllegalStateException(id + " holds no update");
    List<Offer> known;
    synchronized (offers) {
      known = List.copyOf(offers.values());
    }
    for (var offer : known) {
      try {
        return SiteSession.open(self(), offer.plan(), offer.update(), view);
      } catch (SessionRefusal refused) {
        last = refused;
      }
    }
    throw last;
  }

  /// The vault with another seed than the one that was kept.
  private SiteVault anotherSeed() {
    return (SiteVault)
        Proxy.newProxyInstance(
            SiteVault.class.getClassLoader(),
            new Class<?>[] {SiteVault.class},
            (_, method, arguments) -> {
              if (method.getName().equals("kept") && arguments[1] == SiteVault.Item.SEED) {
                return Optional.of(new byte[32]);
              }
              try {
                return method.invoke(vault, arguments);
              } catch (InvocationTargetException thrown) {
                throw thrown.getTargetException();
              }
            });
  }

  private SiteSession.Site self() {
    return self(vault);
  }

  private SiteSession.Site self(SiteVault vault) {
    return new SiteSession.Site(
        id,
        federation.key(id),
        1,
        federation.epochInForce(),
        vault,
        PrivacyBook.none(),
        1,
        3,
        Clock.systemUTC(),
        new SecureRandom());
  }

  private boolean sessionEnded(SessionEnded ended) {
    var session = Digest.ofValue(ended.getSessionId().toByteArray());
    if (ended.getCertificateDigest().isEmpty()) {
      if (vault.locks().containsValue(session)) {
        SiteSession.leave(vault, session);
      }
    } else {
      var certificate = fetch(Digest.ofValue(ended.getCertificateDigest().toByteArray()));
      if (certificate != null && vault.kept(session, SiteVault.Item.DESCRIPTOR).isPresent()) {
        Standing.settle(vault, PrivacyBook.none(), session, certificate);
      }
    }
    sessions.remove(session);
    return true;
  }

  private void send(SessionPhase phase, Digest session, SignedMessage message) {
    var answer =
        calls.send(
            SendRequest.newBuilder()
                .setMessage(
                    dev.comity.protocol.v1.SignedMessage.newBuilder()
                        .setPhase(phase)
                        .setSessionId(bytes(session.bytes()))
                        .setBody(bytes(message.body().toByteArray()))
                        .setSignature(bytes(message.signature().toByteArray())))
                .build());
    if (answer.getOutcomeCase() == SendResponse.OutcomeCase.REFUSED) {
      throw new AssertionError(
          id + " was refused at " + phase + ": " + answer.getRefused().getDetail());
    }
  }

  /// Sends the header that was withheld and keeps the vector.
  void sendHeaderAlone(Digest session) throws Exception {
    var step = withheldShares.get(60, TimeUnit.SECONDS);
    var view = fetch(Digest.ofValue(step.getViewDigest().toByteArray()));
    if (view == null) {
      throw new AssertionError("the shares cannot be fetched");
    }
    var input = Optional.ofNullable(sessions.get(session)).orElseThrow().mask(view);
    send(step.getPhase(), session, input.header());
  }

  /// Uploads the kept vector.
  void uploadRest(Digest session) throws InterruptedException {
    upload(session, vault.keptInput(session).orElseThrow());
  }

  private void upload(Digest session, MaskedUpdate update) throws InterruptedException {
    var status =
        calls.uploadStatus(
            UploadStatusRequest.newBuilder().setSessionId(bytes(session.bytes())).build());
    var offset = status.getPosition().getOffset();
    if (status.getPosition().getComplete()) {
      return;
    }
    // Small chunks, so that an upload is made of several.
    upload(session, update, offset, 100);
  }

  /// As it stands, whatever the vault holds.
  UploadResponse upload(Digest session, long from, byte[] content) throws InterruptedException {
    return upload(
        session, from, content.length, at -> bytes(content).substring(Math.toIntExact(at)));
  }

  private UploadResponse upload(Digest session, MaskedUpdate update, long from, int chunk)
      throws InterruptedException {
    return upload(
        session,
        from,
        update.byteLength() - from,
        at -> UnsafeByteOperations.unsafeWrap(update.bytes(from + at, chunk)));
  }

  private UploadResponse upload(
      Digest session, long from, long count, LongFunction<ByteString> contentAt)
      throws InterruptedException {
    var answer = new CompletableFuture<UploadResponse>();
    var chunks =
        streams.uploadMasked(
            new StreamObserver<>() {
              @Override
              public void onNext(UploadResponse response) {
                answer.complete(response);
              }

              @Override
              public void onError(Throwable broken) {
                answer.completeExceptionally(broken);
              }

              @Override
              public void onCompleted() {}
            });
    for (long at = 0; at < count && !answer.isDone(); ) {
      var data = contentAt.apply(at);
      chunks.onNext(
          UploadChunk.newBuilder()
              .setSessionId(bytes(session.bytes()))
              .setOffset(from + at)
              .setData(data)
              .build());
      at += data.size();
    }
    chunks.onCompleted();
    try {
      return answer.get();
    } catch (ExecutionException broken) {
      throw broken.getCause() instanceof StatusRuntimeException status
          ? status
          : new IllegalStateException(broken);
    }
  }

  /// Null when the content is gone or not this site's to read.
  byte @Nullable [] fetch(Digest digest) {
    var parts = calls.fetch(FetchRequest.newBuilder().setDigest(bytes(digest.bytes())).build());
    var content = new ByteArrayOutputStream();
    while (parts.hasNext()) {
      var part = parts.next();
      if (part.hasRefused()) {
        return null;
      }
      content.writeBytes(part.getChunk().toByteArray());
    }
    var bytes = content.toByteArray();
    if (!Digest.of(bytes).equals(digest)) {
      throw new AssertionError("content of " + digest + " has another digest");
    }
    return bytes;
  }

  private static ByteString bytes(byte[] value) {
    return UnsafeByteOperations.unsafeWrap(value);
  }

  @Override
  public void close() {
    if (stopped) {
      return;
    }
    stopped = true;
    // The call under way is cancelled before its channel goes: a call that a closing channel takes
    // in at the same moment is at times never told of its end, and has no deadline here.
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
    channel.shutdownNow();
    vault.close();
  }
}
