package dev.comity.session;

/// How many of `draws` items, drawn without replacement from `population` of which `marked` are
/// marked, are marked.
///
/// The probabilities follow from the exact ratios of neighbours, beginning at the mode, and from
/// their sum being one, so that tails far below 2⁻¹²⁰ keep their relative precision and every
/// machine finds the same numbers.
final class Hypergeometric {
  /// Far below every bound that is asked about; smaller terms stay zero.
  private static final double NEGLIGIBLE = 0x1p-900;

  private final int population;
  private final int marked;
  private final int draws;

  /// `probabilities[i]` is that of `least + i`.
  private final double[] probabilities;

  private final int least;

  Hypergeometric(int population, int marked, int draws) {
    if (population < 0 || marked < 0 || draws < 0 || marked > population || draws > population) {
      throw new IllegalArgumentException(
          "%d draws from %d items of which %d are marked: neither may exceed the population"
              .formatted(draws, population, marked));
    }
    this.population = population;
    this.marked = marked;
    this.draws = draws;
    this.least = Math.max(0, draws + marked - population);
    this.probabilities = new double[Math.min(draws, marked) - least + 1];
    int mode =
        Math.clamp(
            (draws + 1L) * (marked + 1L) / (population + 2L),
            least,
            least + probabilities.length - 1);
    probabilities[mode - least] = 1;
    for (int i = mode + 1;
        i < least + probabilities.length && probabilities[i - 1 - least] > NEGLIGIBLE;
        i++) {
      probabilities[i - least] = probabilities[i - 1 - least] * ratio(i);
    }
    for (int i = mode; i > least && probabilities[i - least] > NEGLIGIBLE; i--) {
      probabilities[i - 1 - least] = probabilities[i - least] / ratio(i);
    }
    double total = sum(0, probabilities.length);
    for (int at = 0; at < probabilities.length; at++) {
      probabilities[at] /= total;
    }
  }

  /// P[X = count].
  double probability(int count) {
    int at = count - least;
    return at < 0 || at >= probabilities.length ? 0 : probabilities[at];
  }

  /// P[X ≤ count], summed from its smallest terms.
  double atMost(int count) {
    return sum(0, count - least + 1);
  }

  /// P[X > count], summed from its smallest terms: exact also where 1 − P[X ≤ count] is all
  /// rounding.
  double above(int count) {
    return sum(Math.max(0, count - least + 1), probabilities.length);
  }

  /// The least c with P[X > c] ≤ `bound`.
  int quantileAbove(double bound) {
    double tail = 0;
    for (int at = probabilities.length - 1; at >= 0; at--) {
      tail += probabilities[at];
      if (tail > bound) {
        return least + at;
      }
    }
    return Math.max(least - 1, 0);
  }

  /// From both ends towards the largest term.
  private double sum(int from, int to) {
    int low = from;
    int high = Math.min(to, probabilities.length) - 1;
    double sum = 0;
    while (low <= high) {
      sum +=
          probabilities[low] <= probabilities[high] ? probabilities[low++] : probabilities[high--];
    }
    return sum;
  }

  /// P[X = i] / P[X = i − 1].
  private double ratio(int i) {
    return (double) (marked - i + 1)
        * (draws - i + 1)
        / ((double) i * (population - marked - draws + i));
  }
}
