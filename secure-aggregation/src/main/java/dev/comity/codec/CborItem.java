package dev.comity.codec;

import java.util.Collection;
import java.util.function.Function;

/// An encoded item that goes into several documents as it is, for what is long and the same in all.
/// Safe for use by many threads.
public final class CborItem {
  private final Bytes encoded;

  private CborItem(Bytes encoded) {
    this.encoded = encoded;
  }

  /// A list of maps, as `CborWriter.maps` writes it.
  public static <T> CborItem maps(Collection<T> items, Function<? super T, CborWriter> writer) {
    return new CborItem(Bytes.of(CborEncoder.encode(CborWriter.sequence(items, writer))));
  }

  Bytes encoded() {
    return encoded;
  }
}
