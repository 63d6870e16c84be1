package dev.comity.agent.link;

import dev.comity.plan.Digest;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/// Trusts the one authority whose public key has the digest that the invitation names. The server
/// must send that authority's certificate at the end of its chain.
final class PinnedTrust extends X509ExtendedTrustManager {
  private final Digest pin;
  private final AtomicReference<@Nullable X509Certificate> authority = new AtomicReference<>();

  PinnedTrust(Digest pin) {
    this.pin = pin;
  }

  /// The authority that a server proved to have been certified by.
  X509Certificate authority() {
    X509Certificate found = authority.get();
    if (found == null) {
      throw new IllegalStateException("no server was verified yet");
    }
    return found;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    X509Certificate last = chain[chain.length - 1];
    Digest found = Digest.of(last.getPublicKey().getEncoded());
    if (!found.equals(pin)) {
      throw new CertificateException(
          "the server's authority has the fingerprint %s, the invitation names %s: this is not the aggregator that invited the site"
              .formatted(found, pin));
    }
    delegate(last).checkServerTrusted(chain, type, engine);
    authority.set(last);
  }

  private static X509ExtendedTrustManager delegate(X509Certificate anchor)
      throws CertificateException {
    try {
      var store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      store.setCertificateEntry("authority", anchor);
      var factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(store);
      for (TrustManager manager : factory.getTrustManagers()) {
        if (manager instanceof X509ExtendedTrustManager extended) {
          return extended;
        }
      }
      throw new CertificateException("this Java has no PKIX trust manager");
    } catch (GeneralSecurityException | java.io.IOException e) {
      throw new CertificateException("the authority's certificate cannot be used", e);
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    throw new CertificateException("only connections with an SSLEngine are verified");
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw new CertificateException("only connections with an SSLEngine are verified");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    throw notAServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    throw notAServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw notAServer();
  }

  private static CertificateException notAServer() {
    return new CertificateException("a site accepts no connections");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
