package dev.comity.agent.link;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.comity.plan.Digest;
import dev.comity.protocol.v1.AuditProof;
import dev.comity.protocol.v1.AuditProofRequest;
import dev.comity.protocol.v1.CountersignRequest;
import dev.comity.protocol.v1.FetchRequest;
import dev.comity.protocol.v1.FetchResponse;
import dev.comity.protocol.v1.HelloAccepted;
import dev.comity.protocol.v1.HelloRequest;
import dev.comity.protocol.v1.IssuedCertificate;
import dev.comity.protocol.v1.NextAssignmentRequest;
import dev.comity.protocol.v1.NextAssignmentResponse;
import dev.comity.protocol.v1.Refusal;
import dev.comity.protocol.v1.RenewCertificateRequest;
import dev.comity.protocol.v1.ReportRequest;
import dev.comity.protocol.v1.SendRequest;
import dev.comity.protocol.v1.SessionPhase;
import dev.comity.protocol.v1.SiteServiceGrpc;
import dev.comity.protocol.v1.UploadChunk;
import dev.comity.protocol.v1.UploadPosition;
import dev.comity.protocol.v1.UploadStatusRequest;
import dev.comity.session.SignedMessage;
import dev.comity.transparency.Countersignature;
import dev.comity.update.MaskedUpdate;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.BlockingClientCall;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;

/// The way out of a site: every byte that leaves it after enrolment goes through here. The site
/// dials out; nothing dials in. Of all updates it takes the masked one alone. Any thread may call.
public final class AggregatorLink implements AutoCloseable {
  private static final Duration CALL_LIMIT = Duration.ofSeconds(30);
  private static final Duration STALL_LIMIT = Duration.ofMinutes(2);
  private static final int CHUNK_BYTES = 1 << 20;
  private static final Set<Status.Code> FINAL =
      EnumSet.of(
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.OUT_OF_RANGE,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNAUTHENTICATED,
          Status.Code.UNIMPLEMENTED);

  /// Refusals of an upload after which it goes on where its status says.
  private static final Set<String> RESUMABLE = Set.of("upload.offset", "upload.other-root");

  private final URI address;
  private final Optional<HttpProxy> proxy;
  private final List<ClientInterceptor> interceptors;
  private volatile Connection connection;
  private boolean closed;

  private record Connection(
      ManagedChannel channel, SiteServiceGrpc.SiteServiceBlockingV2Stub stub) {}

  private AggregatorLink(
      URI address,
      Optional<HttpProxy> proxy,
      TlsIdentity identity,
      List<ClientInterceptor> interceptors) {
    this.address = address;
    this.proxy = proxy;
    this.interceptors = List.copyOf(interceptors);
    this.connection = connect(identity);
  }

  /// Makes a link; the connection itself is made by the first call.
  ///
  /// @param address `https://host:port` of the aggregator's gRPC service
  /// @param proxy the way there; without it the one that Java's own properties name, if any
  /// @param interceptors see every message in plain, in both directions
  /// @throws IllegalArgumentException when address or keys cannot be used
  public static AggregatorLink open(
      URI address,
      Optional<HttpProxy> proxy,
      TlsIdentity identity,
      List<ClientInterceptor> interceptors) {
    if (!"https".equals(address.getScheme())
        || address.getHost() == null
        || address.getPort() < 0) {
      throw new IllegalArgumentException(
          "the aggregator's address %s: must look like https://host:port".formatted(address));
    }
    return new AggregatorLink(address, proxy, identity, interceptors);
  }

  /// Shows another certificate from the next call on.
  ///
  /// @throws IllegalArgumentException when the keys cannot be used; the link stays as it is
  public synchronized void identify(TlsIdentity identity) {
    if (closed) {
      return;
    }
    Connection before = connection;
    connection = connect(identity);
    before.channel().shutdown();
  }

  private Connection connect(TlsIdentity identity) {
    SslContext tls;
    try {
      tls =
          GrpcSslContexts.configure(
                  SslContextBuilder.forClient()
                      .keyManager(identity.key(), identity.chain().toArray(X509Certificate[]::new))
                      .trustManager(identity.authority()))
              .build();
    } catch (SSLException e) {
      throw new IllegalArgumentException(
          "the site's TLS key and certificate cannot be used: restore them or join anew", e);
    }
    var builder =
        NettyChannelBuilder.forAddress(address.getHost(), address.getPort())
            .sslContext(tls)
            .intercept(interceptors);
    proxy.ifPresent(way -> builder.proxyDetector(way.detector()));
    ManagedChannel channel = builder.build();
    return new Connection(channel, SiteServiceGrpc.newBlockingV2Stub(channel));
  }

  /// Says hello, which every process does first.
  public HelloAccepted hello(HelloRequest request)
      throws LinkException, RefusedByAggregator, InterruptedException {
    connection.channel().resetConnectBackoff();
    var answer = called("Hello", () -> limited().hello(request));
    return switch (answer.getOutcomeCase()) {
      case ACCEPTED -> answer.getAccepted();
      case REFUSED -> throw refusal(answer.getRefused());
      case OUTCOME_NOT_SET -> throw empty("Hello");
    };
  }

  /// Waits up to `wait` for something to do.
  public NextAssignmentResponse nextAssignment(Collection<String> handled, Duration wait)
      throws LinkException, RefusedByAggregator {
    var request =
        NextAssignmentRequest.newBuilder()
            .addAllHandled(handled)
            .setWaitMs(Math.toIntExact(wait.toMillis()))
            .build();
    return called(
        "NextAssignment",
        () -> connection.stub().withDeadlineAfter(wait.plus(CALL_LIMIT)).nextAssignment(request));
  }

  /// Reports the site's part in a round.
  public void report(ReportRequest request) throws LinkException, RefusedByAggregator {
    var answer = called("Report", () -> limited().report(request));
    switch (answer.getOutcomeCase()) {
      case ACKNOWLEDGED -> {}
      case REFUSED -> throw refusal(answer.getRefused());
      case OUTCOME_NOT_SET -> throw empty("Report");
    }
  }

  /// Sends one signed message of a session. A late or repeated one is accepted without effect.
  ///
  /// @param key digest of the sender's public message key
  public void send(SignedMessage message, SessionPhase phase, Digest key)
      throws LinkException, RefusedByAggregator {
    var request =
        SendRequest.newBuilder()
            .setMessage(
                dev.comity.protocol.v1.SignedMessage.newBuilder()
                    .setPhase(phase)
                    .setSessionId(bytes(message.session()))
                    .setBody(UnsafeByteOperations.unsafeWrap(message.body().toByteArray()))
                    .setKeyId(bytes(key))
                    .setSignature(
                        UnsafeByteOperations.unsafeWrap(message.signature().toByteArray())))
            .build();
    var answer = called("Send", () -> limited().send(request));
    switch (answer.getOutcomeCase()) {
      case ACCEPTED, IGNORED -> {}
      case REFUSED -> throw refusal(answer.getRefused());
      case OUTCOME_NOT_SET -> throw empty("Send");
    }
  }

  /// Fetches a document into memory.
  ///
  /// @param mostBytes refuses a longer one
  public byte[] fetch(Digest digest, int mostBytes) throws LinkException, RefusedByAggregator {
    var content = new ByteArrayOutputStream();
    try {
      copy(digest, 0, mostBytes, content);
    } catch (LinkException e) {
      throw e;
    } catch (IOException e) {
      throw new IllegalStateException("memory cannot fail to be written", e);
    }
    byte[] fetched = content.toByteArray();
    requireDigest(digest, Digest.of(fetched));
    return fetched;
  }

  /// Fetches content into `target`, going on where an earlier attempt broke off. When it returns,
  /// the file is whole, fsynced and has the digest.
  ///
  /// @param mostBytes refuses longer content
  public void fetch(Digest digest, Path target, long mostBytes)
      throws IOException, RefusedByAggregator {
    Path partial = target.resolveSibling(target.getFileName() + ".part");
    try (var out =
        Files.newOutputStream(partial, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      long start = Files.size(partial);
      try {
        copy(digest, start, mostBytes, out);
      } catch (RefusedByAggregator e) {
        Files.delete(partial);
        if (start == 0) {
          throw e;
        }
        // Perhaps only what an earlier attempt left is at fault: the next attempt begins anew.
        throw new LinkException(
            "content %s cannot be continued at byte %d".formatted(digest.abbreviated(), start), e);
      }
    }
    try {
      requireDigest(digest, FileDigest.of(partial));
    } catch (LinkException e) {
      Files.delete(partial);
      throw e;
    }
    try (var file = FileChannel.open(partial, StandardOpenOption.WRITE)) {
      file.force(true);
    }
    Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
  }

  private void copy(Digest digest, long offset, long mostBytes, OutputStream out)
      throws IOException, RefusedByAggregator {
    var request = FetchRequest.newBuilder().setDigest(bytes(digest)).setOffset(offset).build();
    BlockingClientCall<?, FetchResponse> call = connection.stub().fetch(request);
    long total = -1;
    long position = offset;
    try {
      while (total < 0 || position < total) {
        FetchResponse part = read(call);
        switch (part.getPartCase()) {
          case HEADER -> {
            total = part.getHeader().getTotalBytes();
            if (total < 0 || total > mostBytes) {
              throw new RefusedByAggregator(
                  "too-long",
                  "content %s has %d bytes; at most %d are taken"
                      .formatted(digest.abbreviated(), total, mostBytes));
            }
          }
          case CHUNK -> {
            position += part.getChunk().size();
            if (position > Math.max(total, 0)) {
              throw new RefusedByAggregator(
                  "too-long",
                  "content %s goes on after its announced end".formatted(digest.abbreviated()));
            }
            part.getChunk().writeTo(out);
          }
          case REFUSED -> throw refusal(part.getRefused());
          case PART_NOT_SET -> throw empty("Fetch");
        }
      }
    } finally {
      call.cancel("done", null);
    }
  }

  private static FetchResponse read(BlockingClientCall<?, FetchResponse> call)
      throws LinkException {
    try {
      FetchResponse part = call.read(STALL_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      if (part == null) {
        throw new LinkException("Fetch ended before its content", new IOException("end of stream"));
      }
      return part;
    } catch (StatusException | java.util.concurrent.TimeoutException e) {
      throw new LinkException("Fetch broke off: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      throw interrupted("Fetch", e);
    }
  }

  /// Uploads the masked vector of a session, going on where an earlier attempt broke off. Its
  /// signed header must have been sent before.
  public void upload(Digest session, MaskedUpdate update)
      throws LinkException, RefusedByAggregator {
    UploadPosition position = uploaded(session);
    if (!position.getComplete()) {
      stream(session, update, position.getOffset());
    }
  }

  private UploadPosition uploaded(Digest session) throws LinkException, RefusedByAggregator {
    var request = UploadStatusRequest.newBuilder().setSessionId(bytes(session)).build();
    var status = called("UploadStatus", () -> limited().uploadStatus(request));
    return switch (status.getOutcomeCase()) {
      case POSITION -> status.getPosition();
      case REFUSED -> throw refusal(status.getRefused());
      case OUTCOME_NOT_SET -> throw empty("UploadStatus");
    };
  }

  private void stream(Digest session, MaskedUpdate update, long from)
      throws LinkException, RefusedByAggregator {
    var call = connection.stub().uploadMasked();
    try {
      long offset = from;
      boolean open = true;
      while (open && offset < update.byteLength()) {
        int length = (int) Math.min(CHUNK_BYTES, update.byteLength() - offset);
        var chunk =
            UploadChunk.newBuilder()
                .setOffset(offset)
                .setData(UnsafeByteOperations.unsafeWrap(update.bytes(offset, length)));
        if (offset == from) {
          chunk.setSessionId(bytes(session));
        }
        open = call.write(chunk.build(), STALL_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        offset += length;
      }
      if (open) {
        call.halfClose();
      }
      var answer = call.read(STALL_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
      if (answer == null) {
        throw new LinkException(
            "UploadMasked ended without an answer", new IOException("end of stream"));
      }
      switch (answer.getOutcomeCase()) {
        case RECEIVED -> {
          if (!answer.getReceived().getComplete()) {
            throw new LinkException(
                "UploadMasked stopped at byte " + answer.getReceived().getOffset(),
                new IOException("incomplete"));
          }
        }
        case IGNORED -> {
          // Late, or beside another attempt whose end is not known yet.
          if (!uploaded(session).getComplete()) {
            throw new LinkException(
                "UploadMasked was ignored: " + answer.getIgnored().getDetail(),
                new IOException("ignored"));
          }
        }
        case REFUSED -> {
          if (RESUMABLE.contains(answer.getRefused().getCode())) {
            throw new LinkException(
                "UploadMasked broke off: " + answer.getRefused().getDetail(),
                new IOException(answer.getRefused().getCode()));
          }
          throw refusal(answer.getRefused());
        }
        case OUTCOME_NOT_SET -> throw empty("UploadMasked");
      }
    } catch (StatusException | java.util.concurrent.TimeoutException e) {
      throw new LinkException("UploadMasked broke off: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      throw interrupted("UploadMasked", e);
    } finally {
      call.cancel("done", null);
    }
  }

  /// What the aggregator shows to prove a head of its audit log.
  public AuditProof auditProof(AuditProofRequest request)
      throws LinkException, RefusedByAggregator {
    var answer = called("AuditProof", () -> limited().auditProof(request));
    return switch (answer.getOutcomeCase()) {
      case PROOF -> answer.getProof();
      case REFUSED -> throw refusal(answer.getRefused());
      case OUTCOME_NOT_SET -> throw empty("AuditProof");
    };
  }

  /// Sends this site's countersignature of the head of `size` leaves.
  public void countersign(long size, Countersignature countersignature)
      throws LinkException, RefusedByAggregator {
    var request =
        CountersignRequest.newBuilder()
            .setSize(size)
            .setHeadDigest(bytes(countersignature.head()))
            .setSignature(
                UnsafeByteOperations.unsafeWrap(countersignature.signature().toByteArray()))
            .build();
    var answer = called("Countersign", () -> limited().countersign(request));
    switch (answer.getOutcomeCase()) {
      case ACKNOWLEDGED -> {}
      case REFUSED -> throw refusal(answer.getRefused());
      case OUTCOME_NOT_SET -> throw empty("Countersign");
    }
  }

  /// Asks for a new TLS certificate of the same site.
  ///
  /// @param request a PKCS#10 request in DER
  /// @return the new chain in PEM
  public String renewCertificate(byte[] request) throws LinkException, RefusedByAggregator {
    var message =
        RenewCertificateRequest.newBuilder()
            .setCsr(UnsafeByteOperations.unsafeWrap(request))
            .build();
    var answer = called("RenewCertificate", () -> limited().renewCertificate(message));
    IssuedCertificate issued =
        switch (answer.getOutcomeCase()) {
          case ISSUED -> answer.getIssued();
          case REFUSED -> throw refusal(answer.getRefused());
          case OUTCOME_NOT_SET -> throw empty("RenewCertificate");
        };
    return issued.getChainPem().toStringUtf8();
  }

  @Override
  public synchronized void close() {
    closed = true;
    connection.channel().shutdownNow();
  }

  private SiteServiceGrpc.SiteServiceBlockingV2Stub limited() {
    return connection.stub().withDeadlineAfter(CALL_LIMIT);
  }

  @FunctionalInterface
  private interface Call<T> {
    T make() throws StatusException;
  }

  /// A status that says something about the request itself is a refusal; everything else is about
  /// the connection or the aggregator's present state, and may be tried again.
  private static <T> T called(String name, Call<T> call) throws LinkException, RefusedByAggregator {
    try {
      return call.make();
    } catch (StatusException e) {
      if (FINAL.contains(e.getStatus().getCode())) {
        throw new RefusedByAggregator(
            e.getStatus().getCode().name(), "%s: %s".formatted(name, description(e)));
      }
      throw new LinkException("%s failed: %s".formatted(name, description(e)), e);
    }
  }

  private static String description(StatusException e) {
    String detail = e.getStatus().getDescription();
    return e.getStatus().getCode() + (detail == null ? "" : ", " + detail);
  }

  private static ByteString bytes(Digest digest) {
    return UnsafeByteOperations.unsafeWrap(digest.bytes());
  }

  private static void requireDigest(Digest wanted, Digest found) throws LinkException {
    if (!wanted.equals(found)) {
      throw new LinkException(
          "content %s arrived with the digest %s"
              .formatted(wanted.abbreviated(), found.abbreviated()),
          new IOException("digest differs"));
    }
  }

  private static LinkException interrupted(String name, InterruptedException e) {
    Thread.currentThread().interrupt();
    return new LinkException(name + " was interrupted", e);
  }

  private static RefusedByAggregator refusal(Refusal refusal) {
    return new RefusedByAggregator(refusal.getCode(), refusal.getDetail());
  }

  private static LinkException empty(String name) {
    return new LinkException(
        name + " was answered without an outcome: the aggregator speaks another wire version",
        new IOException("no outcome"));
  }
}
