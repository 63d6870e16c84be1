package dev.comity.session;

import java.util.Optional;

/// Who shares masks and secrets with whom, as a function of how many sites there are. Up to
/// `mostComplete` sites everybody does with everybody. Above, each site has k neighbours on a ring
/// in random order and deals each secret with threshold t among them (Bell et al. 2020), where k is
/// the smallest even number for which a t exists such that
///
/// - with probability at least 1 − 2^−`securityExponent` no site has t colluding neighbours, and
///   every site that has t surviving neighbours has an honest survivor on either side, so that the
///   honest survivors hang together;
/// - with probability at least 1 − 2^−`livenessExponent` every survivor keeps t surviving
///   neighbours when `dropOutPermille` thousandths of the sites drop out at random.
///
/// An aggregator that tries 2⁸⁰ different sets of keys gains a factor of 2⁸⁰ on the first.
///
/// A roster has at most `MOST_SITES` sites under any rule.
public record GraphRule(
    int mostComplete, int securityExponent, int livenessExponent, int dropOutPermille) {

  /// The largest roster.
  public static final int MOST_SITES = 10_000;

  /// Complete up to 512 sites; above, 2⁻¹²⁰ against collusion and 2⁻²⁰ for an end when a fifth of
  /// the sites drop out.
  public static final GraphRule STANDARD = new GraphRule(512, 120, 20, 200);

  public GraphRule {
    if (mostComplete < 1 || mostComplete > MOST_SITES) {
      throw new IllegalArgumentException(
          "mostComplete %d: must be 1 to %d".formatted(mostComplete, MOST_SITES));
    }
    if (securityExponent < 1 || securityExponent > 200) {
      throw new IllegalArgumentException(
          "securityExponent %d: must be 1 to 200".formatted(securityExponent));
    }
    if (livenessExponent < 1 || livenessExponent > 200) {
      throw new IllegalArgumentException(
          "livenessExponent %d: must be 1 to 200".formatted(livenessExponent));
    }
    if (dropOutPermille < 0 || dropOutPermille > 999) {
      throw new IllegalArgumentException(
          "dropOutPermille %d: must be 0 to 999".formatted(dropOutPermille));
    }
  }

  /// `degree` k is even; `threshold` t of the neighbours' shares give a secret back; no site has
  /// more than `mostColluding` colluding neighbours.
  record Ring(int degree, int threshold, int mostColluding) {}

  /// The graph of a roster of `n` sites of which `nC` may collude. IllegalArgumentException when
  /// there is none.
  public SessionDescriptor.Graph graph(int n, int nC) {
    if (n <= mostComplete) {
      return new SessionDescriptor.Graph.Complete();
    }
    Ring ring =
        ring(n, nC)
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "%d sites at nC %d: no ring with fewer than %d neighbours a site withstands that many colluding sites and %d permille of drop-outs; lower nC or take at most %d sites"
                        .formatted(n, nC, n, dropOutPermille, mostComplete)));
    return new SessionDescriptor.Graph.Regular(ring.degree(), ring.threshold(), this);
  }

  /// The most of `n` sites that a session can take: all of them where they have a graph, else the
  /// largest complete one.
  public int largest(int n, int nC) {
    return n <= mostComplete || ring(n, nC).isPresent() ? n : mostComplete;
  }

  /// The ring over `n` sites of which `nC` may collude; empty when there is none.
  Optional<Ring> ring(int n, int nC) {
    double insecure = StrictMath.scalb(1.0, -securityExponent) / n;
    double stuck = StrictMath.scalb(1.0, -livenessExponent) / n;
    int colluding = Math.min(nC, n - 1);
    int survivors = (int) ((n * (1000L - dropOutPermille) + 999) / 1000) - 1;
    for (int degree = 2; degree < n; degree += 2) {
      int half = degree / 2;
      int mostInHalf = new Hypergeometric(n - 1, colluding, half).quantileAbove(insecure / 2);
      int most = new Hypergeometric(n - 1, colluding, degree).quantileAbove(insecure);
      int threshold = Math.max(half + mostInHalf + 1, most + 1);
      if (threshold <= degree
          && new Hypergeometric(n - 1, survivors, degree).atMost(threshold - 1) <= stuck) {
        return Optional.of(new Ring(degree, threshold, most));
      }
    }
    return Optional.empty();
  }
}
