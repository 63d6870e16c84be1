package dev.comity.agent.link;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/// What the site shows of itself on the wire and whom it trusts.
///
/// @param key the private key on P-256; never leaves the process
/// @param chain the site's certificate, then its issuer's
/// @param authority the one certificate authority whose aggregator the site talks to
public record TlsIdentity(PrivateKey key, List<X509Certificate> chain, X509Certificate authority) {
  public TlsIdentity {
    chain = List.copyOf(chain);
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("the site has no TLS certificate: join the federation");
    }
  }

  @Override
  public String toString() {
    return "TlsIdentity[" + chain.getFirst().getSubjectX500Principal() + "]";
  }
}
