package dev.comity.plan;

/// The ring of the masked vector: integers modulo 2^`bits` in two's complement, wide enough for the
/// sum of `nMax` sites. Presets of `bits` are 32, 24 and 16, of which 32 is offered; `nMax` is 2 to
/// 10,000, the largest roster.
public record Encoding(int bits, int nMax) {
  public static final int MAX_SITES = 10_000;

  public Encoding {
    if (bits == 24 || bits == 16) {
      throw new IllegalArgumentException(
          "encoding.bits %d: the presets 24 and 16 need rotation, which is not offered; set encoding.bits to 32"
              .formatted(bits));
    }
    if (bits != 32) {
      throw new IllegalArgumentException(
          "encoding.bits %d: must be one of the presets 32, 24, 16, of which 32 is offered"
              .formatted(bits));
    }
    if (nMax < 2 || nMax > MAX_SITES) {
      throw new IllegalArgumentException(
          "encoding.nMax %d: must be 2 to %d, the largest roster".formatted(nMax, MAX_SITES));
    }
  }

  /// `p = bits − ⌈log₂ nMax⌉`: each site's coordinates lie within ±(2^(p−1) − 1).
  public int precision() {
    return bits - (Integer.SIZE - Integer.numberOfLeadingZeros(nMax - 1));
  }
}
