package dev.comity.simulation;

import dev.comity.plan.Digest;
import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.Key;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.SignatureSpi;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Ed25519 that signs the same bytes once, and verifies the same signature once, in a process,
/// however many simulated sites ask for it; a signature that was made here under the private half
/// of the key that is asked about is not verified at all. Ed25519 has no randomness: the answers
/// are those of the runtime's own provider; installed by simulations alone.
final class MemoisedSignatures extends Provider {
  private static final long serialVersionUID = 1L;
  private static final String NAME = "ComitySimulation";
  private static final String ALGORITHM = "Ed25519";
  private static final int MOST_ANSWERS = 1 << 18;

  private static final Map<Digest, Boolean> ANSWERS = new ConcurrentHashMap<>();
  private static final Map<Digest, byte[]> SIGNATURES = new ConcurrentHashMap<>();

  /// Signatures made in this process, and the private key that made each.
  private static final Map<Digest, Digest> PRODUCED = new ConcurrentHashMap<>();

  /// Public keys to the private keys one of whose signatures they verified.
  private static final Map<Digest, Digest> PAIRS = new ConcurrentHashMap<>();

  private static final LongAdder ASKED = new LongAdder();

  private MemoisedSignatures() {
    super(NAME, "1", "Ed25519 that remembers what it verified");
    putService(
        new Service(this, "Signature", ALGORITHM, Verified.class.getName(), null, null) {
          @Override
          public Object newInstance(@Nullable Object parameter) {
            return new Verified();
          }
        });
  }

  /// From now on every Ed25519 signature of this process is remembered.
  static synchronized void install() {
    if (Security.getProvider(NAME) == null) {
      Security.insertProviderAt(new MemoisedSignatures(), 1);
    }
  }

  /// Every signature is verified anew again.
  static synchronized void uninstall() {
    Security.removeProvider(NAME);
    ANSWERS.clear();
    SIGNATURES.clear();
    PRODUCED.clear();
    PAIRS.clear();
  }

  /// How many verifications were asked for since the process began.
  static long asked() {
    return ASKED.sum();
  }

  private static final class Verified extends SignatureSpi {
    private final Signature runtime;
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();
    private @Nullable Key key;

    Verified() {
      try {
        runtime = Signature.getInstance(ALGORITHM, "SunEC");
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("this Java runtime lacks Ed25519 of SunEC", e);
      }
    }

    @Override
    protected void engineInitVerify(PublicKey publicKey) throws InvalidKeyException {
      runtime.initVerify(publicKey);
      key = publicKey;
      content.reset();
    }

    @Override
    protected void engineInitSign(PrivateKey privateKey) throws InvalidKeyException {
      runtime.initSign(privateKey);
      key = privateKey;
      content.reset();
    }

    @Override
    protected void engineUpdate(byte b) {
      content.write(b);
    }

    @Override
    protected void engineUpdate(byte[] bytes, int offset, int length) {
      content.write(bytes, offset, length);
    }

    @Override
    protected byte[] engineSign() throws SignatureException {
      byte[] bytes = content.toByteArray();
      content.reset();
      Digest question = Digest.ofAll(name(), Digest.of(bytes).bytes());
      byte[] known = SIGNATURES.get(question);
      if (known == null) {
        runtime.update(bytes);
        known = runtime.sign();
        if (SIGNATURES.size() > MOST_ANSWERS) {
          SIGNATURES.clear();
          PRODUCED.clear();
        }
        SIGNATURES.put(question, known);
        PRODUCED.put(signed(bytes, known), Digest.ofValue(name()));
      }
      return known.clone();
    }

    private static Digest signed(byte[] content, byte[] signature) {
      return Digest.ofAll(Digest.of(content).bytes(), Digest.of(signature).bytes());
    }

    private byte[] name() {
      return Digest.of(Objects.requireNonNull(key, "init comes first").getEncoded()).bytes();
    }

    @Override
    protected boolean engineVerify(byte[] signature) throws SignatureException {
      ASKED.increment();
      byte[] bytes = content.toByteArray();
      content.reset();
      Digest question =
          Digest.ofAll(name(), Digest.of(bytes).bytes(), Digest.of(signature).bytes());
      Boolean known = ANSWERS.get(question);
      if (known == null) {
        @Nullable Digest producer = PRODUCED.get(signed(bytes, signature));
        Digest under = Digest.ofValue(name());
        Digest signer = PAIRS.get(under);
        if (producer != null && signer != null && signer.equals(producer)) {
          return true;
        }
        runtime.update(bytes);
        known = runtime.verify(signature);
        if (producer != null && known) {
          PAIRS.put(under, producer);
        }
        if (ANSWERS.size() > MOST_ANSWERS) {
          ANSWERS.clear();
        }
        ANSWERS.put(question, known);
      }
      return known;
    }

    @Override
    @Deprecated
    protected void engineSetParameter(String name, Object value) {
      throw new UnsupportedOperationException("Ed25519 has no parameters");
    }

    @Override
    @Deprecated
    protected Object engineGetParameter(String name) {
      throw new UnsupportedOperationException("Ed25519 has no parameters");
    }
  }
}
