package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.plan.SiteId;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.stream.IntStream;

/// A set of places of a roster of `n` sites, one bit each.
final class PlaceSet {
  private final int n;
  private final BitSet bits;

  private PlaceSet(int n, BitSet bits) {
    this.n = n;
    this.bits = bits;
  }

  static PlaceSet of(Roster roster, Collection<SiteId> sites) {
    return of(roster.size(), sites.stream().mapToInt(roster::index));
  }

  static PlaceSet of(int n, IntStream places) {
    BitSet bits = new BitSet(n);
    places.forEach(bits::set);
    if (bits.length() > n) {
      throw new IllegalArgumentException(
          "place %d in a roster of %d sites".formatted(bits.length() - 1, n));
    }
    return new PlaceSet(n, bits);
  }

  /// ⌈n/8⌉ bytes, the lowest place in the lowest bit of the first.
  static PlaceSet decode(int n, Bytes bitmap) {
    if (bitmap.size() != bytes(n)) {
      throw new IllegalArgumentException(
          "bitmap of %d bytes for a roster of %d sites; must be %d"
              .formatted(bitmap.size(), n, bytes(n)));
    }
    return of(n, BitSet.valueOf(bitmap.toByteArray()).stream());
  }

  static int bytes(int n) {
    return (n + 7) / 8;
  }

  Bytes encode() {
    byte[] bitmap = new byte[bytes(n)];
    byte[] used = bits.toByteArray();
    System.arraycopy(used, 0, bitmap, 0, used.length);
    return Bytes.of(bitmap);
  }

  boolean holds(int place) {
    return bits.get(place);
  }

  int size() {
    return bits.cardinality();
  }

  /// Ascending.
  IntStream places() {
    return bits.stream();
  }

  boolean within(PlaceSet other) {
    BitSet beyond = (BitSet) bits.clone();
    beyond.andNot(other.bits);
    return beyond.isEmpty();
  }

  List<SiteId> sites(Roster roster) {
    return places().mapToObj(roster::site).toList();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PlaceSet that && n == that.n && bits.equals(that.bits);
  }

  @Override
  public int hashCode() {
    return bits.hashCode();
  }

  @Override
  public String toString() {
    return size() + " of " + n + " places";
  }
}
