package dev.comity.round.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.comity.audit.AuditHeads;
import dev.comity.audit.AuditLog;
import dev.comity.codec.Bytes;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.Acknowledged;
import dev.comity.protocol.v1.AuditHead;
import dev.comity.protocol.v1.AuditInclusion;
import dev.comity.protocol.v1.AuditProof;
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
import dev.comity.protocol.v1.MembershipChanged;
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
import dev.comity.round.Answer;
import dev.comity.round.Assignment;
import dev.comity.round.FederationAuthority;
import dev.comity.round.RoundEvent;
import dev.comity.round.SiteDesk;
import dev.comity.session.SignedMessage;
import dev.comity.transparency.Countersignature;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/// The sites' gRPC service: translates, and lets [SiteDesk] decide. Malformed requests are
/// `INVALID_ARGUMENT`; what a site may not do is an outcome in the answer.
@Component
final class SiteServiceEndpoint extends SiteServiceGrpc.SiteServiceImplBase {

  private static final Logger LOG = LoggerFactory.getLogger(SiteServiceEndpoint.class);

  private static final int WIRE_VERSION = 1;
  private static final int MOST_CHUNK = 1 << 20;
  private static final int MOST_WAIT_MS = 60_000;
  private static final int MOST_TEXT = 500;
  private static final int MOST_HANDLED = 10_000;
  private static final int MOST_PROVEN = 1000;

  private final SiteDesk desk;
  private final FederationAuthority federation;
  private final CertificateRenewal renewal;
  private final AuditLog audit;
  private final AuditHeads heads;

  SiteServiceEndpoint(
      SiteDesk desk,
      FederationAuthority federation,
      CertificateRenewal renewal,
      AuditLog audit,
      AuditHeads heads) {
    this.desk = desk;
    this.federation = federation;
    this.renewal = renewal;
    this.audit = audit;
    this.heads = heads;
  }

  @Override
  public void hello(HelloRequest request, StreamObserver<HelloResponse> answer) {
    reply(answer, () -> hello(caller(), request));
  }

  private HelloResponse hello(SiteId site, HelloRequest request) {
    if (request.getWireVersion() != WIRE_VERSION) {
      return HelloResponse.newBuilder()
          .setRefused(
              refusal(
                  "wire.version",
                  "wire version "
                      + Integer.toUnsignedString(request.getWireVersion())
                      + " is not spoken here; use an agent that speaks "
                      + WIRE_VERSION))
          .build();
    }
    var greeting =
        desk.greet(
            site,
            MessagePublicKey.of(request.getMessageKey().toByteArray()),
            text(request.getAgentVersion()),
            request.getFederationEpoch(),
            request.getOpenLocksList().stream().map(lock -> digest(lock.getSessionId())).toList());
    var refused = greeting.refusal();
    if (refused != null) {
      return HelloResponse.newBuilder()
          .setRefused(refusal(refused.code(), refused.detail()))
          .build();
    }
    var accepted =
        HelloAccepted.newBuilder()
            .setWireVersion(WIRE_VERSION)
            .setFederation(federation.federation().value())
            .setFederationEpoch(greeting.epoch())
            .setState(
                switch (greeting.standing()) {
                  case PENDING -> MembershipState.MEMBERSHIP_STATE_PENDING;
                  case ACTIVE -> MembershipState.MEMBERSHIP_STATE_ACTIVE;
                  case REVOKED -> MembershipState.MEMBERSHIP_STATE_REVOKED;
                });
    var membership = greeting.membership();
    if (membership != null) {
      accepted.setMembership(document(membership));
    }
    return HelloResponse.newBuilder().setAccepted(accepted).build();
  }

  @Override
  public void nextAssignment(
      NextAssignmentRequest request, StreamObserver<NextAssignmentResponse> answer) {
    reply(
        answer,
        () -> {
          var site = greetedCaller();
          if (request.getHandledCount() > MOST_HANDLED) {
            throw invalid("handled names more than " + MOST_HANDLED + " assignments");
          }
          var wait = Duration.ofMillis(Math.clamp(request.getWaitMs(), 0, MOST_WAIT_MS));
          try {
            return desk.next(site, new HashSet<>(request.getHandledList()), wait)
                .map(SiteServiceEndpoint::message)
                .orElseGet(() ->
                    NextAssignmentResponse.newBuilder()
                        .setNothing(Nothing.getDefaultInstance())
                        .build());
          } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw Status.UNAVAILABLE.withDescription("the server stops").asRuntimeException();
          }
        });
  }

  private static NextAssignmentResponse message(Assignment assignment) {
    var message = NextAssignmentResponse.newBuilder().setId(assignment.id());
    return switch (assignment) {
      case Assignment.RoundOffer(_, var plan, var version, var remaining) ->
          message
              .setRoundOffer(
                  RoundOffer.newBuilder()
                      .setPlan(bytes(plan))
                      .setModelVersion(bytes(version))
                      .setRemainingMs(remaining.toMillis()))
              .build();
      case Assignment.SessionStep(_, var session, var phase, var abort, var view, var deadline) ->
          message
              .setSessionStep(
                  SessionStep.newBuilder()
                      .setSessionId(bytes(session))
                      .setPhase(abort ? SessionPhase.SESSION_PHASE_ABORT_VOTE : phase(phase))
                      .setViewDigest(bytes(view))
                      .setDeadlineUnixMs(deadline == null ? 0 : deadline.toEpochMilli()))
              .build();
      case Assignment.SessionEnded(_, var session, var certificate) -> {
        var ended = SessionEnded.newBuilder().setSessionId(bytes(session));
        if (certificate != null) {
          ended.setCertificateDigest(bytes(certificate));
        }
        yield message.setSessionEnded(ended).build();
      }
      case Assignment.RoundCommitted(
              _,
              var run,
              var round,
              var version,
              var plan,
              var sum,
              var transcript) -> {
        var committed =
            RoundCommitted.newBuilder()
                .setPlanDigest(bytes(plan))
                .setSumDigest(bytes(sum))
                .setTranscriptDigest(bytes(transcript));
        if (version != null) {
          committed.setModelVersion(bytes(version));
        }
        yield message
            .setRoundEnded(
                RoundEnded.newBuilder()
                    .setRunId(run.toString())
                    .setRound(round)
                    .setCommitted(committed))
            .build();
      }
      case Assignment.RoundAbandoned(_, var run, var round, var reason) ->
          message
              .setRoundEnded(
                  RoundEnded.newBuilder()
                      .setRunId(run.toString())
                      .setRound(round)
                      .setAbandoned(RoundAbandoned.newBuilder().setReason(reason)))
              .build();
      case Assignment.AuditHead(_, var head) ->
          message
              .setAuditHead(
                  AuditHead.newBuilder()
                      .setHead(
                          SignedDocument.newBuilder()
                              .setDocument(bytes(head.document()))
                              .setSignature(bytes(head.signature()))))
              .build();
      case Assignment.MembershipChanged(_, var membership) ->
          message
              .setMembershipChanged(
                  MembershipChanged.newBuilder().setMembership(document(membership)))
              .build();
    };
  }

  @Override
  public void report(ReportRequest request, StreamObserver<ReportResponse> answer) {
    reply(answer, () -> report(greetedCaller(), request));
  }

  private ReportResponse report(SiteId site, ReportRequest request) {
    var event =
        switch (request.getReportCase()) {
          case PERMITTED -> new RoundEvent.SitePermitted(site);
          case REFUSED ->
              new RoundEvent.SiteRefused(
                  site, text(String.join("; ", request.getRefused().getReasonsList())));
          case PROGRESS -> {
            if (request.getProgress().getTenths() < 0 || request.getProgress().getTenths() > 10) {
              throw invalid(
                  "progress "
                      + Integer.toUnsignedString(request.getProgress().getTenths())
                      + " tenths: must be 0 to 10");
            }
            yield new RoundEvent.SiteProgressed(site, request.getProgress().getTenths());
          }
          case PAUSED ->
              new RoundEvent.SitePaused(
                  site,
                  text(request.getPaused().getReason()),
                  instant(request.getPaused().getExpectedUntilUnixMs()));
          case READY -> new RoundEvent.SiteReady(site, request.getReady().getPartial());
          case FAILED ->
              new RoundEvent.SiteRefused(
                  site,
                  text(request.getFailed().getCode() + ": " + request.getFailed().getDetail()));
          case REPORT_NOT_SET -> throw invalid("a report without content");
        };
    var outcome =
        desk.report(
            site,
            RunId.parse(request.getRunId()),
            request.getRound(),
            digest(request.getPlanDigest()),
            event);
    return switch (outcome) {
      // A report that changes nothing is late or repeated: the site need not do anything about it.
      case Answer.Accepted _, Answer.Ignored _ ->
          ReportResponse.newBuilder().setAcknowledged(Acknowledged.getDefaultInstance()).build();
      case Answer.Refused(var code, var detail) ->
          ReportResponse.newBuilder().setRefused(refusal(code, detail)).build();
    };
  }

  @Override
  public void send(SendRequest request, StreamObserver<SendResponse> answer) {
    reply(
        answer,
        () -> {
          var site = greetedCaller();
          var message = request.getMessage();
          var outcome =
              desk.send(
                  site,
                  new SignedMessage(
                      digest(message.getSessionId()),
                      site,
                      phase(message.getPhase()),
                      Bytes.of(message.getBody().toByteArray()),
                      Bytes.of(message.getSignature().toByteArray())));
          return switch (outcome) {
            case Answer.Accepted _ ->
                SendResponse.newBuilder().setAccepted(Acknowledged.getDefaultInstance()).build();
            case Answer.Ignored(var detail) ->
                SendResponse.newBuilder().setIgnored(ignored(detail)).build();
            case Answer.Refused(var code, var detail) ->
                SendResponse.newBuilder().setRefused(refusal(code, detail)).build();
          };
        });
  }

  @Override
  public void uploadStatus(
      UploadStatusRequest request, StreamObserver<UploadStatusResponse> answer) {
    reply(
        answer,
        () -> {
          var upload = desk.uploaded(greetedCaller(), digest(request.getSessionId()));
          return switch (upload.answer()) {
            case Answer.Accepted _, Answer.Ignored _ ->
                UploadStatusResponse.newBuilder().setPosition(position(upload)).build();
            case Answer.Refused(var code, var detail) ->
                UploadStatusResponse.newBuilder().setRefused(refusal(code, detail)).build();
          };
        });
  }

  @Override
  public StreamObserver<UploadChunk> uploadMasked(StreamObserver<UploadResponse> answer) {
    return new Uploading(greetedCaller(), answer);
  }

  /// One upload call. The transport calls it from one thread at a time and sends no further chunk
  /// before the last was written.
  private final class Uploading implements StreamObserver<UploadChunk> {
    private final SiteId site;
    private final StreamObserver<UploadResponse> answer;
    private @Nullable Digest session;
    private SiteDesk.@Nullable Upload last;
    private boolean answered;

    Uploading(SiteId site, StreamObserver<UploadResponse> answer) {
      this.site = site;
      this.answer = answer;
    }

    @Override
    public void onNext(UploadChunk chunk) {
      if (answered) {
        return;
      }
      try {
        take(chunk);
      } catch (IOException | RuntimeException failed) {
        answered = true;
        answer.onError(status(failed));
      }
    }

    private void take(UploadChunk chunk) throws IOException {
      var to = session;
      if (to == null) {
        to = digest(chunk.getSessionId());
        session = to;
      }
      if (chunk.getData().size() > MOST_CHUNK) {
        throw invalid("chunk of " + chunk.getData().size() + " bytes: at most " + MOST_CHUNK);
      }
      var upload =
          desk.upload(site, to, chunk.getOffset(), chunk.getData().asReadOnlyByteBufferList());
      last = upload;
      if (!(upload.answer() instanceof Answer.Accepted) || upload.complete()) {
        finish(upload);
      }
    }

    private void finish(SiteDesk.Upload upload) {
      answered = true;
      answer.onNext(
          switch (upload.answer()) {
            case Answer.Accepted _ ->
                UploadResponse.newBuilder().setReceived(position(upload)).build();
            case Answer.Ignored(var detail) ->
                UploadResponse.newBuilder().setIgnored(ignored(detail)).build();
            case Answer.Refused(var code, var detail) ->
                UploadResponse.newBuilder().setRefused(refusal(code, detail)).build();
          });
      answer.onCompleted();
    }

    @Override
    public void onError(Throwable broken) {
      answered = true;
      LOG.atDebug().addKeyValue("site", site).log("an upload broke off and can go on");
    }

    @Override
    public void onCompleted() {
      if (answered) {
        return;
      }
      var upload = last;
      if (upload == null) {
        answered = true;
        answer.onError(status(invalid("an upload without a chunk")));
      } else {
        finish(upload);
      }
    }
  }

  /// The transport tells readiness on the thread that runs this method, so the content is sent from
  /// another one.
  @Override
  public void fetch(FetchRequest request, StreamObserver<FetchResponse> answer) {
    try {
      var site = greetedCaller();
      var call = (ServerCallStreamObserver<FetchResponse>) answer;
      var flow = new Flow(call);
      Thread.startVirtualThread(() -> {
        try {
          fetch(site, request, call, flow);
        } catch (IOException | RuntimeException failed) {
          answer.onError(status(failed));
        }
      });
    } catch (RuntimeException failed) {
      answer.onError(status(failed));
    }
  }

  private void fetch(
      SiteId site, FetchRequest request, ServerCallStreamObserver<FetchResponse> answer, Flow flow)
      throws IOException {
    var digest = digest(request.getDigest());
    var content = desk.fetch(site, digest, request.getOffset());
    if (content.isEmpty()) {
      answer.onNext(
          FetchResponse.newBuilder()
              .setRefused(
                  refusal(
                      "content.unknown",
                      "no content "
                          + digest.abbreviated()
                          + " that site "
                          + site
                          + " may read; a view is gone once the session moved on"))
              .build());
      answer.onCompleted();
      return;
    }
    try (var rest = content.get().rest()) {
      answer.onNext(
          FetchResponse.newBuilder()
              .setHeader(FetchHeader.newBuilder().setTotalBytes(content.get().totalBytes()))
              .build());
      while (true) {
        var chunk = ByteBuffer.allocate(MOST_CHUNK);
        while (chunk.hasRemaining() && rest.read(chunk) >= 0) {
          // Read on until the chunk is full or the content ends.
        }
        if (chunk.position() == 0) {
          break;
        }
        if (!flow.awaitReady()) {
          return;
        }
        answer.onNext(
            FetchResponse.newBuilder()
                .setChunk(UnsafeByteOperations.unsafeWrap(chunk.flip()))
                .build());
      }
    }
    answer.onCompleted();
  }

  /// Waits until the receiver has taken what was sent.
  private static final class Flow {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ServerCallStreamObserver<FetchResponse> answer;

    Flow(ServerCallStreamObserver<FetchResponse> answer) {
      this.answer = answer;
      answer.setOnReadyHandler(this::wake);
      answer.setOnCancelHandler(this::wake);
    }

    private void wake() {
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    /// False when the call was cancelled.
    boolean awaitReady() {
      lock.lock();
      try {
        while (!answer.isReady() && !answer.isCancelled()) {
          changed.await();
        }
        return !answer.isCancelled();
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
        return false;
      } finally {
        lock.unlock();
      }
    }
  }

  @Override
  public void auditProof(AuditProofRequest request, StreamObserver<AuditProofResponse> answer) {
    reply(
        answer,
        () -> {
          greetedCaller();
          return AuditProofResponse.newBuilder().setProof(proof(request)).build();
        });
  }

  private AuditProof proof(AuditProofRequest request) {
    if (request.getSessionsCount() > MOST_PROVEN || request.getPlansCount() > MOST_PROVEN) {
      throw invalid("proofs of more than " + MOST_PROVEN + " sessions or rounds; ask for fewer");
    }
    var size = request.getToSize();
    var proof =
        AuditProof.newBuilder()
            .addAllConsistency(path(audit.consistency(request.getFromSize(), size).path()));
    request
        .getSessionsList()
        .forEach(session -> inclusion("session", session, size).ifPresent(proof::addInclusions));
    request
        .getPlansList()
        .forEach(plan -> inclusion("round", plan, size).ifPresent(proof::addInclusions));
    return proof.build();
  }

  private Optional<AuditInclusion> inclusion(String kind, ByteString subject, long size) {
    return audit
        .leaf(kind, digest(subject))
        .filter(leaf -> leaf.index() < size)
        .map(leaf ->
            AuditInclusion.newBuilder()
                .setIndex(leaf.index())
                .setEntry(bytes(leaf.entry()))
                .addAllPath(path(audit.inclusion(leaf.index(), size).path()))
                .build());
  }

  private static List<ByteString> path(List<Digest> path) {
    return path.stream().map(SiteServiceEndpoint::bytes).toList();
  }

  @Override
  public void countersign(CountersignRequest request, StreamObserver<CountersignResponse> answer) {
    reply(
        answer,
        () -> {
          var site = greetedCaller();
          var countersignature =
              new Countersignature(
                  site,
                  digest(request.getHeadDigest()),
                  Bytes.of(request.getSignature().toByteArray()));
          return switch (heads.countersign(request.getSize(), countersignature)) {
            case AuditHeads.Outcome.Stored _ ->
                CountersignResponse.newBuilder()
                    .setAcknowledged(Acknowledged.getDefaultInstance())
                    .build();
            case AuditHeads.Outcome.Refused(var code, var detail) -> {
              LOG.atWarn()
                  .addKeyValue("site", site)
                  .addKeyValue("reason", code + ": " + detail)
                  .log("countersignature refused");
              yield CountersignResponse.newBuilder().setRefused(refusal(code, detail)).build();
            }
          };
        });
  }

  @Override
  public void renewCertificate(
      RenewCertificateRequest request, StreamObserver<RenewCertificateResponse> answer) {
    reply(
        answer,
        () ->
            switch (renewal.renew(caller(), request.getCsr().toByteArray())) {
              case CertificateRenewal.Outcome.Issued(var chain) ->
                  RenewCertificateResponse.newBuilder()
                      .setIssued(
                          IssuedCertificate.newBuilder()
                              .setChainPem(ByteString.copyFromUtf8(chain)))
                      .build();
              case CertificateRenewal.Outcome.Refused(var code, var detail) ->
                  RenewCertificateResponse.newBuilder().setRefused(refusal(code, detail)).build();
            });
  }

  private static <T> void reply(StreamObserver<T> answer, Supplier<T> work) {
    T message;
    try {
      message = work.get();
    } catch (RuntimeException failed) {
      answer.onError(status(failed));
      return;
    }
    answer.onNext(message);
    answer.onCompleted();
  }

  private static StatusRuntimeException status(Exception failed) {
    return switch (failed) {
      case StatusRuntimeException status -> status;
      case IllegalArgumentException malformed ->
          Status.INVALID_ARGUMENT.withDescription(malformed.getMessage()).asRuntimeException();
      default -> {
        LOG.atError().setCause(failed).log("a site's call failed");
        yield Status.INTERNAL
            .withDescription("the call failed; the aggregator's log has the cause")
            .asRuntimeException();
      }
    };
  }

  private static SiteId caller() {
    var site = CallerSite.KEY.get();
    if (site == null) {
      throw Status.UNAUTHENTICATED
          .withDescription("the call proves no site; use the site's client certificate")
          .asRuntimeException();
    }
    return site;
  }

  private SiteId greetedCaller() {
    var site = caller();
    if (!desk.greeted(site)) {
      throw Status.FAILED_PRECONDITION.withDescription("say Hello first").asRuntimeException();
    }
    return site;
  }

  private static StatusRuntimeException invalid(String detail) {
    return Status.INVALID_ARGUMENT.withDescription(detail).asRuntimeException();
  }

  /// A site's words, shortened and on one line.
  private static String text(String words) {
    var line = words.replaceAll("\\p{Cntrl}+", " ").strip();
    return line.length() <= MOST_TEXT ? line : line.substring(0, MOST_TEXT) + "…";
  }

  private static @Nullable Instant instant(long unixMs) {
    return unixMs == 0 ? null : Instant.ofEpochMilli(unixMs);
  }

  private static Refusal refusal(String code, String detail) {
    return Refusal.newBuilder().setCode(code).setDetail(detail).build();
  }

  private static Ignored ignored(String detail) {
    return Ignored.newBuilder().setDetail(detail).build();
  }

  private static UploadPosition position(SiteDesk.Upload upload) {
    return UploadPosition.newBuilder()
        .setOffset(upload.offset())
        .setComplete(upload.complete())
        .build();
  }

  private static SignedDocument document(SignedMembership membership) {
    return SignedDocument.newBuilder()
        .setDocument(bytes(membership.document()))
        .setSignature(bytes(membership.signature()))
        .build();
  }

  private static ByteString bytes(Bytes bytes) {
    return UnsafeByteOperations.unsafeWrap(bytes.toByteArray());
  }

  private static ByteString bytes(Digest digest) {
    return UnsafeByteOperations.unsafeWrap(digest.bytes());
  }

  private static Digest digest(ByteString bytes) {
    return Digest.ofValue(bytes.toByteArray());
  }

  private static SessionPhase phase(SignedMessage.Phase phase) {
    return switch (phase) {
      case ADVERTISE_KEYS -> SessionPhase.SESSION_PHASE_ADVERTISE_KEYS;
      case SHARE_KEYS -> SessionPhase.SESSION_PHASE_SHARE_KEYS;
      case MASKED_INPUT -> SessionPhase.SESSION_PHASE_MASKED_INPUT;
      case VOTE -> SessionPhase.SESSION_PHASE_VOTE;
      case RELEASE -> SessionPhase.SESSION_PHASE_RELEASE;
      case UNMASK -> SessionPhase.SESSION_PHASE_UNMASK;
    };
  }

  private static SignedMessage.Phase phase(SessionPhase phase) {
    return switch (phase) {
      case SESSION_PHASE_ADVERTISE_KEYS -> SignedMessage.Phase.ADVERTISE_KEYS;
      case SESSION_PHASE_SHARE_KEYS -> SignedMessage.Phase.SHARE_KEYS;
      case SESSION_PHASE_MASKED_INPUT -> SignedMessage.Phase.MASKED_INPUT;
      case SESSION_PHASE_VOTE, SESSION_PHASE_ABORT_VOTE -> SignedMessage.Phase.VOTE;
      case SESSION_PHASE_RELEASE -> SignedMessage.Phase.RELEASE;
      case SESSION_PHASE_UNMASK -> SignedMessage.Phase.UNMASK;
      case SESSION_PHASE_UNSPECIFIED, UNRECOGNIZED ->
          throw invalid("a message of a session phase that is unknown here");
    };
  }
}
