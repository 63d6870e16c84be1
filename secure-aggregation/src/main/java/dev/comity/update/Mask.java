package dev.comity.update;

import java.util.Objects;

/// One mask as a site applies it: the stream of `key` added to the vector, or subtracted from it.
///
/// @param add true for the self mask and for pairs where this site's index is the lower
public record Mask(MaskKey key, boolean add) {
  public Mask {
    Objects.requireNonNull(key, "key");
  }

  /// The mask that takes this one off.
  Mask inverse() {
    return new Mask(key, !add);
  }
}
