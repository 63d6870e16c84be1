package dev.comity.aggregator;

import dev.comity.federation.ServerCertificate;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.ssl.SslBundleRegistrar;
import org.springframework.boot.ssl.SslBundle;
import org.springframework.boot.ssl.SslBundleKey;
import org.springframework.boot.ssl.SslOptions;
import org.springframework.boot.ssl.SslStoreBundle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// TLS of both ports with the one certificate. The sites' port trusts the federation's own
/// authority and nothing else; browsers and programs show no certificate.
@Configuration(proxyBeanMethods = false)
class TlsConfiguration {
  private static final String ALIAS = "aggregator";

  /// Key stores in memory want a password; the secret lies in the 0600 file it came from.
  private static final String IN_MEMORY = "";

  @Bean
  SslBundleRegistrar tlsBundles(ServerCertificate certificate) {
    return registry -> {
      registry.registerBundle("rest", bundle(keyStore(certificate), null));
      registry.registerBundle(
          "site-link", bundle(keyStore(certificate), trustStore(certificate.chain().getLast())));
    };
  }

  private static SslBundle bundle(KeyStore keys, @Nullable KeyStore trusted) {
    return SslBundle.of(
        SslStoreBundle.of(keys, IN_MEMORY, trusted),
        SslBundleKey.of(IN_MEMORY, ALIAS),
        SslOptions.of(null, new String[] {"TLSv1.3"}));
  }

  private static KeyStore keyStore(ServerCertificate certificate) {
    try {
      var store = empty();
      store.setKeyEntry(
          ALIAS,
          certificate.key(),
          IN_MEMORY.toCharArray(),
          certificate.chain().toArray(X509Certificate[]::new));
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("cannot hold the server's key", e);
    }
  }

  private static KeyStore trustStore(X509Certificate authority) {
    try {
      var store = empty();
      store.setCertificateEntry("authority", authority);
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("cannot hold the authority's certificate", e);
    }
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    var store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }
}
