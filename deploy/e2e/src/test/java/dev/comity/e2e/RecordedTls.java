package dev.comity.e2e;

import dev.comity.codec.Bytes;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyManagementException;
import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.Security;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/// The JDK's TLS, with a record of every byte that this process hands to it for encryption while
/// the record is open. Code that asks the JDK for TLS gets it without knowing.
final class RecordedTls implements AutoCloseable {
  private static final String NAME = "RecordedTls";
  private static final String JDK_PROVIDER = "SunJSSE";

  private final ByteArrayOutputStream plaintext = new ByteArrayOutputStream();

  private RecordedTls() {}

  /// Opens a record; contexts that exist already are not in it.
  static RecordedTls open() {
    var recorded = new RecordedTls();
    if (Security.insertProviderAt(new RecordingProvider(recorded), 1) < 0) {
      throw new IllegalStateException("another record of TLS is open");
    }
    return recorded;
  }

  /// What was said so far, above TLS.
  Bytes plaintext() {
    synchronized (plaintext) {
      return Bytes.of(plaintext.toByteArray());
    }
  }

  @Override
  public void close() {
    Security.removeProvider(NAME);
  }

  private void keep(ByteBuffer[] sources, int offset, int length, int[] before) {
    synchronized (plaintext) {
      for (int i = offset; i < offset + length; i++) {
        var consumed = sources[i].duplicate().flip().position(before[i]);
        var bytes = new byte[consumed.remaining()];
        consumed.get(bytes);
        plaintext.writeBytes(bytes);
      }
    }
  }

  private static final class RecordingProvider extends Provider {
    private static final long serialVersionUID = 1L;

    RecordingProvider(RecordedTls record) {
      super(NAME, "1", "the JDK's TLS, recorded");
      putService(
          new Service(
              this, "SSLContext", "TLS", Context.class.getName(), java.util.List.of(), Map.of()) {
            @Override
            public Object newInstance(@Nullable Object parameter) throws NoSuchAlgorithmException {
              try {
                return new Context(record, SSLContext.getInstance("TLS", JDK_PROVIDER));
              } catch (GeneralSecurityException e) {
                throw new NoSuchAlgorithmException("this JDK has no TLS of its own", e);
              }
            }
          });
    }
  }

  private static final class Context extends SSLContextSpi {
    private final RecordedTls record;
    private final SSLContext real;

    Context(RecordedTls record, SSLContext real) {
      this.record = record;
      this.real = real;
    }

    @Override
    protected void engineInit(KeyManager[] keys, TrustManager[] trust, SecureRandom random)
        throws KeyManagementException {
      real.init(keys, trust, random);
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      throw new UnsupportedOperationException("sockets would escape the record");
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      throw new UnsupportedOperationException("sockets would escape the record");
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      return new Engine(record, real.createSSLEngine(), null, -1);
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      return new Engine(record, real.createSSLEngine(host, port), host, port);
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      return real.getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      return real.getClientSessionContext();
    }

    @Override
    protected SSLParameters engineGetDefaultSSLParameters() {
      return real.getDefaultSSLParameters();
    }

    @Override
    protected SSLParameters engineGetSupportedSSLParameters() {
      return real.getSupportedSSLParameters();
    }
  }

  private static final class Engine extends SSLEngine {
    private final RecordedTls record;
    private final SSLEngine real;

    Engine(RecordedTls record, SSLEngine real, @Nullable String host, int port) {
      super(host, port);
      this.record = record;
      this.real = real;
    }

    @Override
    public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer target)
        throws SSLException {
      var before = new int[sources.length];
      for (int i = offset; i < offset + length; i++) {
        before[i] = sources[i].position();
      }
      var result = real.wrap(sources, offset, length, target);
      record.keep(sources, offset, length, before);
      return result;
    }

    @Override
    public SSLEngineResult unwrap(ByteBuffer source, ByteBuffer[] targets, int offset, int length)
        throws SSLException {
      return real.unwrap(source, targets, offset, length);
    }

    @Override
    public @Nullable Runnable getDelegatedTask() {
      return real.getDelegatedTask();
    }

    @Override
    public void closeInbound() throws SSLException {
      real.closeInbound();
    }

    @Override
    public boolean isInboundDone() {
      return real.isInboundDone();
    }

    @Override
    public void closeOutbound() {
      real.closeOutbound();
    }

    @Override
    public boolean isOutboundDone() {
      return real.isOutboundDone();
    }

    @Override
    public String[] getSupportedCipherSuites() {
      return real.getSupportedCipherSuites();
    }

    @Override
    public String[] getEnabledCipherSuites() {
      return real.getEnabledCipherSuites();
    }

    @Override
    public void setEnabledCipherSuites(String[] suites) {
      real.setEnabledCipherSuites(suites);
    }

    @Override
    public String[] getSupportedProtocols() {
      return real.getSupportedProtocols();
    }

    @Override
    public String[] getEnabledProtocols() {
      return real.getEnabledProtocols();
    }

    @Override
    public void setEnabledProtocols(String[] protocols) {
      real.setEnabledProtocols(protocols);
    }

    @Override
    public SSLSession getSession() {
      return real.getSession();
    }

    @Override
    public SSLSession getHandshakeSession() {
      return real.getHandshakeSession();
    }

    @Override
    public void beginHandshake() throws SSLException {
      real.beginHandshake();
    }

    @Override
    public HandshakeStatus getHandshakeStatus() {
      return real.getHandshakeStatus();
    }

    @Override
    public void setUseClientMode(boolean mode) {
      real.setUseClientMode(mode);
    }

    @Override
    public boolean getUseClientMode() {
      return real.getUseClientMode();
    }

    @Override
    public void setNeedClientAuth(boolean need) {
      real.setNeedClientAuth(need);
    }

    @Override
    public boolean getNeedClientAuth() {
      return real.getNeedClientAuth();
    }

    @Override
    public void setWantClientAuth(boolean want) {
      real.setWantClientAuth(want);
    }

    @Override
    public boolean getWantClientAuth() {
      return real.getWantClientAuth();
    }

    @Override
    public void setEnableSessionCreation(boolean flag) {
      real.setEnableSessionCreation(flag);
    }

    @Override
    public boolean getEnableSessionCreation() {
      return real.getEnableSessionCreation();
    }

    @Override
    public SSLParameters getSSLParameters() {
      return real.getSSLParameters();
    }

    @Override
    public void setSSLParameters(SSLParameters parameters) {
      real.setSSLParameters(parameters);
    }

    @Override
    public String getApplicationProtocol() {
      return real.getApplicationProtocol();
    }

    @Override
    public String getHandshakeApplicationProtocol() {
      return real.getHandshakeApplicationProtocol();
    }
  }
}
