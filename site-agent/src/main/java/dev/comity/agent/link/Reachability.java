package dev.comity.agent.link;

import io.netty.handler.ssl.OpenSsl;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/// Whether the aggregator's service for sites answers: a connection of its own, up to the first
/// frame of HTTP/2, which comes only when the server took this site's certificate. Nothing is said
/// beyond that, so a running agent is not disturbed.
///
/// @param protocol of TLS, as `TLSv1.3`
/// @param serverUntil until when the server's certificate holds
public record Reachability(String protocol, Instant serverUntil) {
  /// Connection preface and an empty SETTINGS frame; RFC 9113, 3.4 and 6.5.
  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0".getBytes(StandardCharsets.ISO_8859_1);

  private static final int FRAME_HEADER = 9;
  private static final int TYPE = 3;
  private static final byte SETTINGS = 4;
  private static final char[] NO_PASSWORD = {};

  /// Connects to `address`.
  ///
  /// @param limit of each step
  /// @throws IOException when it cannot be reached, is not the aggregator that the pinned authority
  ///   certified, or refuses this site's certificate
  public static Reachability probe(URI address, TlsIdentity identity, Duration limit)
      throws IOException {
    int millis = Math.toIntExact(limit.toMillis());
    try (var plain = new Socket()) {
      plain.connect(new InetSocketAddress(address.getHost(), address.getPort()), millis);
      plain.setSoTimeout(millis);
      var factory = context(identity).getSocketFactory();
      try (var socket =
          (SSLSocket) factory.createSocket(plain, address.getHost(), address.getPort(), true)) {
        var parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"h2"});
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        socket.getOutputStream().write(PREFACE);
        socket.getOutputStream().flush();
        byte[] header = new byte[FRAME_HEADER];
        new DataInputStream(socket.getInputStream()).readFully(header);
        if (header[TYPE] != SETTINGS) {
          throw new IOException("%s answers, and not as a gRPC service".formatted(address));
        }
        var session = socket.getSession();
        var server = (X509Certificate) session.getPeerCertificates()[0];
        return new Reachability(session.getProtocol(), server.getNotAfter().toInstant());
      }
    }
  }

  /// The TLS library of the agent's own connections, which is native where its library loads.
  public static String library() {
    return OpenSsl.isAvailable()
        ? "native TLS library " + OpenSsl.versionString()
        : "TLS of the JDK; the native library does not load: " + OpenSsl.unavailabilityCause();
  }

  private static SSLContext context(TlsIdentity identity) throws IOException {
    try {
      var store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry("authority", identity.authority());
      store.setKeyEntry(
          "site", identity.key(), NO_PASSWORD, identity.chain().toArray(X509Certificate[]::new));
      var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, NO_PASSWORD);
      var trust = TrustManagerFactory.getInstance("PKIX");
      trust.init(store);
      var context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("the site's TLS key and certificate cannot be used", e);
    }
  }
}
