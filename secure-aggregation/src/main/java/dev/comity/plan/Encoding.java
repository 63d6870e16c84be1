package dev.comity.plan;

import java.util.List;

/// The ring of the masked vector: integers modulo 2^`bits` in two's complement, wide enough for the
/// sum of `nMax` sites. Presets of `bits` are 32, 24 and 16; `nMax` is 2 to [#MAX_SITES], the
/// largest roster. 32 bits lose nothing that float32 training would notice; 24 and 16 send three
/// quarters and half of the bytes, and 16 rotates the update first.
public record Encoding(int bits, int nMax) {
  public static final int MAX_SITES = 10_000;

  /// The widths of an element, in bits.
  public static final List<Integer> PRESETS = List.of(32, 24, 16);

  /// Elements narrower than this are rotated first.
  private static final int ROTATED_BELOW = 24;

  public Encoding {
    requirePreset(bits);
    if (nMax < 2 || nMax > MAX_SITES) {
      throw new IllegalArgumentException(
          "encoding.nMax %d: must be 2 to %d, the largest roster".formatted(nMax, MAX_SITES));
    }
  }

  /// `p = bits − ⌈log₂ nMax⌉`: each site's coordinates lie within ±(2^(p−1) − 1), so that the sum
  /// of `nMax` of them stays within the ring. Noise needs room of its own and lowers it further.
  public int precision() {
    return bits - (Integer.SIZE - Integer.numberOfLeadingZeros(nMax - 1));
  }

  /// Whether updates are rotated before they are rounded: few bits are spent well only on
  /// coordinates of like size, and distributed noise is sized by the scale that rotation allows.
  boolean rotates(Noise noise) {
    return bits < ROTATED_BELOW || noise instanceof Noise.Distributed;
  }

  static void requirePreset(int bits) {
    if (!PRESETS.contains(bits)) {
      throw new IllegalArgumentException(
          "encoding.bits %d: must be one of the presets 32, 24, 16".formatted(bits));
    }
  }
}
