package dev.comity.session;

import dev.comity.plan.Digest;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.stream.IntStream;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/// The sites of U1 on a ring in random order, each with the k/2 before and the k/2 after it as its
/// neighbours (Harary 1962).
///
/// The order follows from H1, which commits to every site's signed P1 message with its 32 bytes of
/// randomness: nobody knows it before the last honest site has spoken. Sites are their places in
/// the roster.
final class HararyRing {
  private static final int ABSENT = -1;

  private final int degree;
  private final int[] order;
  private final int[] positions;

  private HararyRing(int degree, int[] order, int[] positions) {
    this.degree = degree;
    this.order = order;
    this.positions = positions;
  }

  /// `degree` is even and below the number of `members`; `n` is the size of the roster.
  static HararyRing of(Digest h1, PlaceSet members, int n, int degree) {
    int[] order = members.places().toArray();
    if (degree < 2 || degree % 2 != 0 || degree >= order.length) {
      throw new IllegalArgumentException(
          "%d neighbours on a ring of %d sites: must be even and below it"
              .formatted(degree, order.length));
    }
    shuffle(order, Digest.of(new Transcribed().label(Labels.GRAPH).digest(h1).toByteArray()));
    int[] positions = new int[n];
    Arrays.fill(positions, ABSENT);
    for (int i = 0; i < order.length; i++) {
      positions[order[i]] = i;
    }
    return new HararyRing(degree, order, positions);
  }

  /// Fisher and Yates, with uniform numbers by rejection from the AES-256-CTR stream of `seed`.
  private static void shuffle(int[] places, Digest seed) {
    try {
      Cipher cipher = Cipher.getInstance("AES/CTR/NoPadding");
      cipher.init(
          Cipher.ENCRYPT_MODE,
          new SecretKeySpec(seed.bytes(), "AES"),
          new IvParameterSpec(new byte[16]));
      byte[] zeros = new byte[4096];
      ByteBuffer stream = ByteBuffer.allocate(zeros.length).limit(0);
      for (int left = places.length; left > 1; ) {
        if (!stream.hasRemaining()) {
          stream.clear().put(cipher.update(zeros)).flip();
        }
        long drawn = stream.getLong() >>> 1;
        int chosen = (int) (drawn % left);
        if (drawn - chosen <= Long.MAX_VALUE - (left - 1)) { // else beyond the last whole multiple
          left--;
          int moved = places[left];
          places[left] = places[chosen];
          places[chosen] = moved;
        }
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime lacks AES-CTR", e);
    }
  }

  /// In the order of the ring, the site itself left out.
  int[] neighbours(int place) {
    int half = degree / 2;
    int position = position(place);
    return IntStream.rangeClosed(-half, half)
        .filter(offset -> offset != 0)
        .map(offset -> order[Math.floorMod(position + offset, order.length)])
        .toArray();
  }

  /// Where `neighbour` comes in the neighbours of `place`, from 0; −1 when it is none.
  int slot(int place, int neighbour) {
    int half = degree / 2;
    int offset = position(neighbour) - position(place);
    int wrapped = Math.floorMod(offset + half, order.length) - half;
    if (wrapped == 0 || wrapped > half) {
      return ABSENT;
    }
    return wrapped < 0 ? wrapped + half : wrapped + half - 1;
  }

  /// Whether each of `sites`, all of them on the ring, has at least `least` neighbours among them.
  boolean everyoneHas(int least, PlaceSet sites) {
    return core(least, sites).equals(sites);
  }

  /// The largest part of `sites` in which each has at least `least` neighbours in it.
  PlaceSet core(int least, PlaceSet sites) {
    boolean[] in = new boolean[order.length];
    sites.places().forEach(place -> in[position(place)] = true);
    for (boolean shrinking = true; shrinking; ) {
      shrinking = false;
      int[] before = new int[order.length + 1];
      for (int i = 0; i < order.length; i++) {
        before[i + 1] = before[i] + (in[i] ? 1 : 0);
      }
      for (int i = 0; i < order.length; i++) {
        if (in[i] && around(before, i) < least) {
          in[i] = false;
          shrinking = true;
        }
      }
    }
    return PlaceSet.of(
        positions.length, IntStream.range(0, order.length).filter(i -> in[i]).map(i -> order[i]));
  }

  /// The sites counted within k/2 of position `i`, without that at `i` itself, which counts.
  private int around(int[] before, int i) {
    int half = degree / 2;
    int from = i - half;
    int to = i + half + 1;
    int count = before[Math.min(to, order.length)] - before[Math.max(from, 0)] - 1;
    if (from < 0) {
      count += before[order.length] - before[order.length + from];
    }
    if (to > order.length) {
      count += before[to - order.length];
    }
    return count;
  }

  private int position(int place) {
    int position = positions[place];
    if (position == ABSENT) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "place %d of the roster advertised no keys in this session".formatted(place));
    }
    return position;
  }
}
