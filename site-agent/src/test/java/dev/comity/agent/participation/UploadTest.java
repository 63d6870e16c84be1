package dev.comity.agent.participation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.comity.agent.link.AggregatorLink;
import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.TlsIdentity;
import dev.comity.agent.protection.SiteKeys;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.Encoding;
import dev.comity.plan.FederationId;
import dev.comity.plan.Noise;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.VectorLayout;
import dev.comity.protocol.v1.FetchHeader;
import dev.comity.protocol.v1.FetchRequest;
import dev.comity.protocol.v1.FetchResponse;
import dev.comity.protocol.v1.Refusal;
import dev.comity.protocol.v1.SiteServiceGrpc;
import dev.comity.protocol.v1.UploadChunk;
import dev.comity.protocol.v1.UploadPosition;
import dev.comity.protocol.v1.UploadResponse;
import dev.comity.protocol.v1.UploadStatusRequest;
import dev.comity.protocol.v1.UploadStatusResponse;
import dev.comity.update.LocalUpdate;
import dev.comity.update.Mask;
import dev.comity.update.MaskKey;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.Metrics;
import dev.comity.update.RoundingKey;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A vector of several chunks over a line that breaks.
class UploadTest {
  private static final Digest SESSION = Digest.of(new byte[] {1});
  private static final Architecture ARCHITECTURE =
      new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(700_000, 1));

  @TempDir Path folder;
  private final TestAuthority authority = new TestAuthority();
  private final Spool spool = new Spool();
  private Server server;
  private AggregatorLink link;

  @BeforeEach
  void connect() throws Exception {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .sslContext(
                GrpcSslContexts.configure(
                        SslContextBuilder.forServer(authority.serverKey(), authority.serverChain())
                            .trustManager(authority.certificate())
                            .clientAuth(ClientAuth.REQUIRE))
                    .build())
            .addService(spool)
            .build()
            .start();
    link = open(authority);
  }

  @AfterEach
  void disconnect() {
    link.close();
    server.shutdownNow();
  }

  @Test
  void anUploadGoesOnWhereItBrokeOff() throws Exception {
    MaskedUpdate update = update();
    spool.breakAfter = 1 << 20;
    spool.expected = update.byteLength();

    assertThatThrownBy(() -> link.upload(SESSION, update)).isInstanceOf(LinkException.class);
    link.upload(SESSION, update);

    assertThat(Digest.of(spool.received.toByteArray())).isEqualTo(update.digest());
    assertThat(spool.starts).hasSize(2).startsWith(0L);
    assertThat(spool.starts.getLast()).isGreaterThanOrEqualTo(1 << 20);
  }

  @Test
  void aCompleteUploadIsNotSentAgain() throws Exception {
    MaskedUpdate update = update();
    spool.expected = update.byteLength();
    link.upload(SESSION, update);

    link.upload(SESSION, update);

    assertThat(spool.starts).containsExactly(0L);
  }

  @Test
  void aServerOfAnotherAuthorityGetsNothing() throws Exception {
    try (var deceived = open(new TestAuthority())) {
      assertThatThrownBy(() -> deceived.upload(SESSION, update()))
          .isInstanceOf(LinkException.class);
    }

    assertThat(spool.starts).isEmpty();
  }

  @Test
  void aFetchWhoseRestIsTooLongBeginsAnew() throws Exception {
    byte[] content = {1, 2, 3};
    spool.content = content;
    Path target = folder.resolve("content");
    Files.write(folder.resolve("content.part"), new byte[100]);

    assertThatThrownBy(() -> link.fetch(Digest.of(content), target, 10))
        .isInstanceOf(LinkException.class);
    link.fetch(Digest.of(content), target, 10);

    assertThat(target).hasBinaryContent(content);
  }

  private AggregatorLink open(TestAuthority trusted) throws Exception {
    var keys =
        SiteKeys.create(folder.resolve("keys"), new FederationId("test"), new SiteId("site-1"));
    var chain =
        CertificateFactory.getInstance("X.509")
            .generateCertificates(
                new ByteArrayInputStream(
                    authority
                        .issueFor(keys.certificateRequest().toByteArray())
                        .getBytes(StandardCharsets.US_ASCII)))
            .stream()
            .map(X509Certificate.class::cast)
            .toList();
    return AggregatorLink.open(
        URI.create("https://localhost:" + server.getPort()),
        Optional.empty(),
        new TlsIdentity(keys.tlsKey(), chain, trusted.certificate()),
        List.of());
  }

  private static MaskedUpdate update() {
    var encoding = new Encoding(32, 8);
    var layout = VectorLayout.of(RunKind.TRAIN, ARCHITECTURE, encoding, 1, 1000, 20);
    var histogram = new ArrayList<Long>();
    for (int bin = 0; bin < VectorLayout.HISTOGRAM_BINS; bin++) {
      histogram.add(0L);
    }
    float[] delta = new float[(int) ParameterLayout.of(ARCHITECTURE).size()];
    byte[] secret = new byte[32];
    return LocalUpdate.of(delta, 1, new Metrics(0, 0, 0, histogram, histogram))
        .clip(1)
        .encode(
            layout, RoundingKey.derive(secret, TestAggregator.RUN, RunKind.TRAIN, 0, new float[1]))
        .noise(new Noise.None())
        .mask(List.of(new Mask(MaskKey.of(SESSION.bytes()), true)));
  }

  /// Keeps what arrives; breaks the first upload once `breakAfter` bytes lie here.
  private static final class Spool extends SiteServiceGrpc.SiteServiceImplBase {
    final ByteArrayOutputStream received = new ByteArrayOutputStream();
    final List<Long> starts = new ArrayList<>();
    volatile long breakAfter = Long.MAX_VALUE;
    volatile long expected;
    volatile byte[] content = {};

    @Override
    public void fetch(FetchRequest request, StreamObserver<FetchResponse> out) {
      if (request.getOffset() > content.length) {
        out.onNext(
            FetchResponse.newBuilder()
                .setRefused(Refusal.newBuilder().setCode("fetch.offset").setDetail("too far"))
                .build());
      } else {
        out.onNext(
            FetchResponse.newBuilder()
                .setHeader(FetchHeader.newBuilder().setTotalBytes(content.length))
                .build());
        out.onNext(
            FetchResponse.newBuilder()
                .setChunk(ByteString.copyFrom(content).substring((int) request.getOffset()))
                .build());
      }
      out.onCompleted();
    }

    @Override
    public void uploadStatus(
        UploadStatusRequest request, StreamObserver<UploadStatusResponse> out) {
      synchronized (this) {
        out.onNext(UploadStatusResponse.newBuilder().setPosition(position()).build());
      }
      out.onCompleted();
    }

    @Override
    public StreamObserver<UploadChunk> uploadMasked(StreamObserver<UploadResponse> out) {
      return new StreamObserver<>() {
        private boolean first = true;
        private boolean broken;

        @Override
        public void onNext(UploadChunk chunk) {
          synchronized (Spool.this) {
            if (broken) {
              return;
            }
            if (first) {
              starts.add(chunk.getOffset());
              first = false;
            }
            received.writeBytes(chunk.getData().toByteArray());
            if (received.size() >= breakAfter) {
              breakAfter = Long.MAX_VALUE;
              broken = true;
              out.onError(Status.UNAVAILABLE.asException());
            }
          }
        }

        @Override
        public void onError(Throwable failure) {
          broken = true;
        }

        @Override
        public void onCompleted() {
          if (!broken) {
            synchronized (Spool.this) {
              out.onNext(UploadResponse.newBuilder().setReceived(position()).build());
            }
            out.onCompleted();
          }
        }
      };
    }

    private UploadPosition position() {
      return UploadPosition.newBuilder()
          .setOffset(received.size())
          .setComplete(received.size() == expected)
          .build();
    }
  }
}
