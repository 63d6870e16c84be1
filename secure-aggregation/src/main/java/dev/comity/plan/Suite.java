package dev.comity.plan;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// How the sites of a session agree on keys and make their masks. One suite holds for the whole
/// cohort: the plan chooses it, the descriptor names it, and a site that finds another there
/// refuses.
///
/// Every suite derives keys by HKDF-SHA-256 and encrypts shares by AES-256-GCM. In every suite all
/// that a site's masks depend on follows from two secrets of [#SECRET_BYTES], which the other sites
/// hold in shares: shares have one length, public keys have their agreement's.
public enum Suite {
  /// X25519 and AES-256 in counter mode: the fastest where the processor has AES instructions.
  X25519_AES_256_CTR(Agreement.X25519, Generator.AES_256_CTR),
  /// X25519 and ChaCha20: fast and constant in time also where it has none.
  X25519_CHACHA20(Agreement.X25519, Generator.CHACHA20);

  /// What a plan has that does not say.
  public static final Suite STANDARD = X25519_AES_256_CTR;

  /// Of each secret that is shared.
  public static final int SECRET_BYTES = 32;

  /// How two sites come to a shared secret.
  public enum Agreement {
    /// RFC 7748.
    X25519(32);

    private final int publicKeyBytes;

    Agreement(int publicKeyBytes) {
      this.publicKeyBytes = publicKeyBytes;
    }

    /// Of each public key that a site advertises.
    public int publicKeyBytes() {
      return publicKeyBytes;
    }
  }

  /// What makes a mask of its 32-byte key.
  public enum Generator {
    /// The keystream from counter zero (NIST SP 800-38A §6.5).
    AES_256_CTR,
    /// The keystream with a zero nonce from block zero (RFC 8439 §2.4).
    CHACHA20
  }

  private final Agreement agreement;
  private final Generator generator;

  Suite(Agreement agreement, Generator generator) {
    this.agreement = agreement;
    this.generator = generator;
  }

  /// The suite with this id.
  ///
  /// @throws IllegalArgumentException when this software has no such suite
  public static Suite parse(String id) {
    return Stream.of(values())
        .filter(suite -> suite.id().equals(id))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "suite \"%s\": unknown; must be one of %s"
                    .formatted(
                        id, Stream.of(values()).map(Suite::id).collect(Collectors.joining(", ")))));
  }

  /// As documents name it: `x25519-chacha20`.
  public String id() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  public Agreement agreement() {
    return agreement;
  }

  public Generator generator() {
    return generator;
  }
}
