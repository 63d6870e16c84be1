package dev.comity.simulation;

import dev.comity.plan.Digest;
import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.Key;
import java.security.NoSuchAlgorithmException;
import java.security.NoSuchProviderException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.SignatureSpi;
import java.security.interfaces.XECPrivateKey;
import java.security.interfaces.XECPublicKey;
import java.security.spec.AlgorithmParameterSpec;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.KeyAgreement;
import javax.crypto.KeyAgreementSpi;
import javax.crypto.SecretKey;
import org.jspecify.annotations.Nullable;

/// Ed25519 that signs the same bytes once, and verifies the same signature once, in a process,
/// however many simulated sites ask for it; a signature that was made here under the private half
/// of the key that is asked about is not verified at all. X25519 that agrees once for each pair of
/// keys, whichever end asks. Neither has any randomness: the answers are those of the runtime's own
/// providers; installed by simulations alone.
///
/// Between two keys that `standIn` it does not agree at all: a hash of both public halves stands in
/// for the secret. It is the same at both ends, and a secret to nobody.
final class MemoisedCryptography extends Provider {
  private static final long serialVersionUID = 1L;
  private static final String NAME = "ComitySimulation";
  private static final String ALGORITHM = "Ed25519";
  private static final String AGREEMENT = "X25519";
  private static final BigInteger BASE = BigInteger.valueOf(9);
  private static final int MOST_ANSWERS = 1 << 18;
  private static final int MOST_AGREEMENTS = 1 << 23;

  private static final Map<Digest, Boolean> ANSWERS = new ConcurrentHashMap<>();
  private static final Map<Digest, byte[]> SIGNATURES = new ConcurrentHashMap<>();

  /// Signatures made in this process, and the private key that made each.
  private static final Map<Digest, Digest> PRODUCED = new ConcurrentHashMap<>();

  /// Public keys to the private keys one of whose signatures they verified.
  private static final Map<Digest, Digest> PAIRS = new ConcurrentHashMap<>();

  /// X25519: secrets to their public keys, and pairs of public keys to what they agree on.
  private static final Map<Digest, BigInteger> PUBLIC = new ConcurrentHashMap<>();

  private static final Map<Digest, byte[]> AGREED = new ConcurrentHashMap<>();

  /// Public halves of the keys that do not agree among themselves.
  private static final Set<BigInteger> STAND_INS = ConcurrentHashMap.newKeySet();

  /// False while something is timed as if it ran alone.
  private static volatile boolean remembering = true;

  private MemoisedCryptography() {
    super(NAME, "1", "Ed25519 and X25519 that remember their answers");
    putService(
        new Service(this, "Signature", ALGORITHM, Verified.class.getName(), null, null) {
          @Override
          public Object newInstance(@Nullable Object parameter) {
            return new Verified();
          }
        });
    putService(
        new Service(this, "KeyAgreement", AGREEMENT, Agreed.class.getName(), null, null) {
          @Override
          public Object newInstance(@Nullable Object parameter) {
            return new Agreed();
          }
        });
  }

  /// From now on the answers of this process are remembered.
  static synchronized void install() {
    if (Security.getProvider(NAME) == null) {
      Security.insertProviderAt(new MemoisedCryptography(), 1);
    }
  }

  /// Runs `work` with everything computed anew, in whatever thread.
  static void withoutMemory(Runnable work) {
    remembering = false;
    try {
      work.run();
    } finally {
      remembering = true;
    }
  }

  /// From now on no agreement is computed between this X25519 key and others that stand in, so it
  /// is for pairs whose secret nobody computes without memory.
  static void standIn(byte[] publicKey) {
    STAND_INS.add(Agreed.u(publicKey));
  }

  /// Everything is computed anew again.
  static synchronized void uninstall() {
    Security.removeProvider(NAME);
    ANSWERS.clear();
    SIGNATURES.clear();
    PRODUCED.clear();
    PAIRS.clear();
    PUBLIC.clear();
    AGREED.clear();
    STAND_INS.clear();
  }

  private static final class Verified extends SignatureSpi {
    private final Signature runtime;
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();
    private @Nullable Key key;
    private boolean begun; // the runtime decodes a key when it begins: only when it must answer

    Verified() {
      try {
        runtime = Signature.getInstance(ALGORITHM, "SunEC");
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("this Java runtime lacks Ed25519 of SunEC", e);
      }
    }

    @Override
    protected void engineInitVerify(PublicKey publicKey) {
      begin(publicKey);
    }

    @Override
    protected void engineInitSign(PrivateKey privateKey) {
      begin(privateKey);
    }

    private void begin(Key with) {
      key = with;
      begun = false;
      content.reset();
    }

    private void ask(byte[] bytes) throws SignatureException {
      try {
        if (!begun) {
          switch (Objects.requireNonNull(key, "init comes first")) {
            case PrivateKey secret -> runtime.initSign(secret);
            case PublicKey known -> runtime.initVerify(known);
            default -> throw new SignatureException("a key of neither kind");
          }
          begun = true;
        }
        runtime.update(bytes);
      } catch (InvalidKeyException e) {
        throw new SignatureException("a key that the runtime refuses", e);
      }
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
      byte[] known = remembering ? SIGNATURES.get(question) : null;
      if (known == null) {
        ask(bytes);
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
      byte[] bytes = content.toByteArray();
      content.reset();
      if (!remembering) {
        ask(bytes);
        return runtime.verify(signature);
      }
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
        ask(bytes);
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

  private static final class Agreed extends KeyAgreementSpi {
    private @Nullable XECPrivateKey own;
    private byte[] secret = new byte[0];

    @Override
    protected void engineInit(Key key, @Nullable SecureRandom random) throws InvalidKeyException {
      if (!(key instanceof XECPrivateKey agreeing)) {
        throw new InvalidKeyException("an X25519 private key is needed");
      }
      own = agreeing;
    }

    @Override
    protected void engineInit(
        Key key, @Nullable AlgorithmParameterSpec parameters, @Nullable SecureRandom random)
        throws InvalidKeyException {
      engineInit(key, random);
    }

    @Override
    protected @Nullable Key engineDoPhase(Key key, boolean last) throws InvalidKeyException {
      if (!(key instanceof XECPublicKey other)) {
        throw new InvalidKeyException("an X25519 public key is needed");
      }
      XECPrivateKey agreeing = Objects.requireNonNull(own, "init comes first");
      Digest name = Digest.of(agreeing.getScalar().orElseThrow());
      BigInteger mine = PUBLIC.get(name);
      if (!remembering || mine == null) {
        secret = runtime(agreeing, other);
        if (other.getU().equals(BASE)) {
          PUBLIC.put(name, u(secret));
        }
        return null;
      }
      BigInteger theirs = other.getU();
      Digest pair = Digest.ofAll(mine.min(theirs).toByteArray(), mine.max(theirs).toByteArray());
      if (STAND_INS.contains(mine) && STAND_INS.contains(theirs)) {
        secret = pair.bytes();
        return null;
      }
      byte[] known = AGREED.get(pair);
      if (known == null) {
        known = runtime(agreeing, other);
        if (AGREED.size() > MOST_AGREEMENTS) {
          AGREED.clear();
        }
        AGREED.put(pair, known);
      }
      secret = known.clone();
      return null;
    }

    private static byte[] runtime(Key own, Key other) throws InvalidKeyException {
      try {
        KeyAgreement agreement = KeyAgreement.getInstance(AGREEMENT, "SunEC");
        agreement.init(own);
        agreement.doPhase(other, true);
        return agreement.generateSecret();
      } catch (NoSuchAlgorithmException | NoSuchProviderException e) {
        throw new IllegalStateException("this Java runtime lacks X25519 of SunEC", e);
      }
    }

    private static BigInteger u(byte[] littleEndian) {
      byte[] bigEndian = new byte[littleEndian.length];
      for (int i = 0; i < bigEndian.length; i++) {
        bigEndian[i] = littleEndian[littleEndian.length - 1 - i];
      }
      return new BigInteger(1, bigEndian);
    }

    @Override
    protected byte[] engineGenerateSecret() {
      return secret.clone();
    }

    @Override
    protected int engineGenerateSecret(byte[] into, int offset) {
      System.arraycopy(secret, 0, into, offset, secret.length);
      return secret.length;
    }

    @Override
    protected SecretKey engineGenerateSecret(String algorithm) {
      throw new UnsupportedOperationException("nobody asks for a key of " + algorithm);
    }
  }
}
