package dev.comity.aggregator;

import dev.comity.membership.MessageKey;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.util.Base64;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.pkcs.jcajce.JcaPKCS10CertificationRequestBuilder;

/// A site's name and its two keys.
public record TestSite(String name, KeyPair tls, MessageKey message) {

  public static TestSite named(String name) {
    return new TestSite(
        name, keys("EC", new ECGenParameterSpec("secp256r1")), MessageKey.generate());
  }

  public static KeyPair keys(String algorithm, AlgorithmParameterSpec parameters) {
    try {
      var generator = KeyPairGenerator.getInstance(algorithm);
      generator.initialize(parameters);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public byte[] csr() {
    var algorithm =
        tls.getPrivate().getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
    try {
      return new JcaPKCS10CertificationRequestBuilder(
              new X500Principal("CN=" + name), tls.getPublic())
          .build(new JcaContentSignerBuilder(algorithm).build(tls.getPrivate()))
          .getEncoded();
    } catch (OperatorCreationException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /// A channel that shows `chainPem`.
  public ManagedChannel channel(int port, Path authority, String chainPem) throws IOException {
    var key =
        "-----BEGIN PRIVATE KEY-----\n"
            + Base64.getMimeEncoder().encodeToString(tls.getPrivate().getEncoded())
            + "\n-----END PRIVATE KEY-----\n";
    return channel(
        port,
        TlsChannelCredentials.newBuilder()
            .trustManager(authority.toFile())
            .keyManager(stream(chainPem), stream(key))
            .build());
  }

  public static ManagedChannel channel(int port, ChannelCredentials credentials) {
    return Grpc.newChannelBuilderForAddress("localhost", port, credentials).build();
  }

  private static ByteArrayInputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII));
  }
}
