package dev.comity.session;

import java.io.ByteArrayOutputStream;
import java.io.Serial;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.InvalidParameterException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.SignatureSpi;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// The runtime's Ed25519, which makes and checks each signature once; both are functions of their
/// input alone (RFC 8032). In a federation in one process every site checks the same messages of
/// all the others, and most tests begin alike: signatures are most of what such a test costs.
final class MemoisedSignatures extends Provider {
  private static final String ED25519 = "Ed25519";
  private static final int MOST_REMEMBERED = 20_000;

  @Serial private static final long serialVersionUID = 1L;

  private MemoisedSignatures() {
    super("MemoisedSignatures", "1", "Ed25519 of SunEC, each signature made and verified once");
    putService(new Once(this));
  }

  static void install() {
    Security.insertProviderAt(new MemoisedSignatures(), 1); // a second one is not inserted
  }

  private static final class Once extends Service {
    private Once(Provider provider) {
      super(
          provider,
          Signature.class.getSimpleName(),
          ED25519,
          Spi.class.getName(),
          List.of(),
          Map.of());
    }

    @Override
    public Object newInstance(Object parameter) {
      return new Spi();
    }
  }

  private record Signing(ByteBuffer key, ByteBuffer message) {}

  private record Verification(ByteBuffer key, ByteBuffer message, ByteBuffer signature) {}

  private static final Map<Signing, byte[]> SIGNED = new ConcurrentHashMap<>();
  private static final Map<Verification, Boolean> VERIFIED = new ConcurrentHashMap<>();

  private static final class Spi extends SignatureSpi {
    private final ByteArrayOutputStream message = new ByteArrayOutputStream();
    private final Signature real;
    private byte[] key = {};

    private Spi() {
      try {
        real = Signature.getInstance(ED25519, "SunEC");
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    protected void engineInitVerify(PublicKey publicKey) throws InvalidKeyException {
      real.initVerify(publicKey);
      key = publicKey.getEncoded();
      message.reset();
    }

    @Override
    protected void engineInitSign(PrivateKey privateKey) throws InvalidKeyException {
      real.initSign(privateKey);
      key = privateKey.getEncoded();
      message.reset();
    }

    @Override
    protected void engineUpdate(byte b) {
      message.write(b);
    }

    @Override
    protected void engineUpdate(byte[] bytes, int offset, int length) {
      message.write(bytes, offset, length);
    }

    @Override
    protected byte[] engineSign() throws SignatureException {
      var asked = new Signing(ByteBuffer.wrap(key), ByteBuffer.wrap(message.toByteArray()));
      message.reset();
      byte[] known = SIGNED.get(asked);
      if (known == null) {
        real.update(asked.message().array());
        known = real.sign();
        remember(SIGNED, asked, known);
      }
      return known.clone();
    }

    @Override
    protected boolean engineVerify(byte[] signature) throws SignatureException {
      var asked =
          new Verification(
              ByteBuffer.wrap(key),
              ByteBuffer.wrap(message.toByteArray()),
              ByteBuffer.wrap(signature.clone()));
      message.reset();
      Boolean known = VERIFIED.get(asked);
      if (known == null) {
        real.update(asked.message().array());
        known = real.verify(signature); // an exception is not remembered
        remember(VERIFIED, asked, known);
      }
      return known;
    }

    private static <K, V> void remember(Map<K, V> known, K asked, V answer) {
      if (known.size() >= MOST_REMEMBERED) {
        known.clear();
      }
      known.put(asked, answer);
    }

    @Override
    @Deprecated
    protected void engineSetParameter(String name, Object value) {
      throw new InvalidParameterException("Ed25519 has no parameter " + name);
    }

    @Override
    @Deprecated
    protected Object engineGetParameter(String name) {
      throw new InvalidParameterException("Ed25519 has no parameter " + name);
    }
  }
}
