package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/// The answers of P5 so far, checked, and how many shares of each dealer's asked-for secret they
/// hold. Immutable; an answer is kept as its shares alone, 44 bytes a dealer.
///
/// ### Security guarantees
///
/// `toString` redacts.
final class Answers {

  /// One answer: the dealers by place, ascending, and their shares in that order.
  private static final class Shares {
    private final Digest message;
    private final int[] dealers;
    private final byte[] shares;

    Shares(Digest message, int[] dealers, byte[] shares) {
      this.message = message;
      this.dealers = dealers;
      this.shares = shares;
    }

    byte @Nullable [] of(int dealer) {
      int at = Arrays.binarySearch(dealers, dealer);
      return at < 0
          ? null
          : Arrays.copyOfRange(shares, at * Shamir.SHARE_BYTES, (at + 1) * Shamir.SHARE_BYTES);
    }
  }

  private final Dealing dealing;
  private final PersistentMap<SiteId, Shares> received;

  /// By place: shares received, and shares that may still come.
  private final int[] held;

  private final int[] pending;

  private Answers(
      Dealing dealing, PersistentMap<SiteId, Shares> received, int[] held, int[] pending) {
    this.dealing = dealing;
    this.received = received;
    this.held = held;
    this.pending = pending;
  }

  static Answers none(Dealing dealing) {
    Roster roster = dealing.roster();
    int[] pending = new int[roster.size()];
    for (SiteId dealer : dealing.shares().sites()) {
      pending[roster.index(dealer)] =
          (int)
              Arrays.stream(dealing.keys().receivers(dealer))
                  .filter(place -> dealing.shares().holds(roster.site(place)))
                  .count();
    }
    return new Answers(dealing, PersistentMap.empty(), new int[roster.size()], pending);
  }

  /// With the answer of `message`, whose shares were checked.
  Answers with(SignedMessage message, UnmaskAnswer answer) {
    Roster roster = dealing.roster();
    SiteId responder = message.sender();
    SortedMap<SiteId, Bytes> given = answer.seedShares();
    given.putAll(answer.keyShares());
    int[] dealers = new int[given.size()];
    byte[] shares = new byte[given.size() * Shamir.SHARE_BYTES];
    int at = 0;
    for (Map.Entry<SiteId, Bytes> each : given.entrySet()) {
      dealers[at] = roster.index(each.getKey());
      System.arraycopy(
          each.getValue().toByteArray(), 0, shares, at * Shamir.SHARE_BYTES, Shamir.SHARE_BYTES);
      at++;
    }
    int[] heldNow = held.clone();
    int[] pendingNow = pending.clone();
    for (int place : dealing.keys().receivers(responder)) { // sharing is mutual
      pendingNow[place]--;
    }
    for (int dealer : dealers) {
      heldNow[dealer]++;
    }
    return new Answers(
        dealing,
        received.with(responder, new Shares(message.digest(), dealers, shares)),
        heldNow,
        pendingNow);
  }

  int count() {
    return received.size();
  }

  boolean holds(SiteId responder) {
    return received.containsKey(responder);
  }

  @Nullable Digest message(SiteId responder) {
    Shares shares = received.get(responder);
    return shares == null ? null : shares.message;
  }

  /// Those of whose secret there will never be enough shares.
  List<SiteId> hopeless() {
    int threshold = dealing.keys().shareThreshold();
    Roster roster = dealing.roster();
    return dealing.shares().messages().keySet().stream()
        .filter(dealer -> {
          int place = roster.index(dealer);
          return held[place] + pending[place] < threshold;
        })
        .toList();
  }

  /// The responders who left out the share that `dealer` dealt to them: they could not decrypt it,
  /// or say so.
  List<SiteId> without(SiteId dealer) {
    Roster roster = dealing.roster();
    int place = roster.index(dealer);
    return Arrays.stream(dealing.keys().receivers(dealer))
        .sorted()
        .mapToObj(roster::site)
        .filter(receiver -> {
          Shares answer = received.get(receiver);
          return answer != null && answer.of(place) == null;
        })
        .toList();
  }

  /// Whether there are enough shares of everybody's secret.
  boolean suffice() {
    int threshold = dealing.keys().shareThreshold();
    Roster roster = dealing.roster();
    return dealing.shares().messages().keySet().stream()
        .allMatch(dealer -> held[roster.index(dealer)] >= threshold);
  }

  /// Enough shares of the secret of `dealer`, at their x.
  Points points(SiteId dealer) {
    int threshold = dealing.keys().shareThreshold();
    Roster roster = dealing.roster();
    int place = roster.index(dealer);
    int[] receivers = dealing.keys().receivers(dealer);
    Arrays.sort(receivers);
    List<Integer> xs = new ArrayList<>();
    List<byte[]> shares = new ArrayList<>();
    for (int receiver : receivers) {
      Shares answer = received.get(roster.site(receiver));
      byte[] share = answer == null ? null : answer.of(place);
      if (share != null && xs.size() < threshold) {
        xs.add(receiver + 1);
        shares.add(share);
      }
    }
    return new Points(List.copyOf(xs), shares.toArray(byte[][]::new));
  }

  /// Shares of one secret and where they were taken.
  static final class Points {
    private final List<Integer> xs;
    private final byte[][] shares;

    private Points(List<Integer> xs, byte[][] shares) {
      this.xs = xs;
      this.shares = shares;
    }

    List<Integer> xs() {
      return xs;
    }

    /// Fails with IllegalArgumentException when the shares are those of no secret.
    byte[] secret(long[] weights) {
      return Shamir.reconstruct(weights, shares);
    }
  }

  @Override
  public String toString() {
    return "Answers[redacted]";
  }
}
