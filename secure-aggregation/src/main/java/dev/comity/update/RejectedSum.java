package dev.comity.update;

import dev.comity.plan.VectorLayout.Kind;
import java.util.Objects;

/// An unmasked sum fails a check: a mask was not removed rightly, or a site broke the rules. The
/// checks detect; they cannot name the site. No model may be made from the sum.
public final class RejectedSum extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Reason reason;

  RejectedSum(Reason reason) {
    super(reason.explanation());
    this.reason = reason;
  }

  public Reason reason() {
    return Objects.requireNonNull(reason, "a deserialised RejectedSum has a message only");
  }

  /// Which check failed.
  public sealed interface Reason {
    /// One sentence: what was found and what is allowed.
    String explanation();

    /// The vector has another length than the plan's layout.
    record WrongLength(long bytes, long expected) implements Reason {
      @Override
      public String explanation() {
        return "the sum has %d bytes: the layout has %d".formatted(bytes, expected);
      }
    }

    /// The contributors that the sum counts are not the certified survivors.
    record WrongCount(int counted, int survivors) implements Reason {
      @Override
      public String explanation() {
        return "the sum counts %d contributors: the certificate names %d"
            .formatted(counted, survivors);
      }
    }

    /// A coordinate to which every site adds zero is not zero.
    record NotZero(long coordinate) implements Reason {
      @Override
      public String explanation() {
        return "zero coordinate %d of the sum is not 0: a mask remains".formatted(coordinate);
      }
    }

    /// The weights sum to nothing, less than nothing, or more than one a site.
    record WeightOutOfRange(double weight, int survivors) implements Reason {
      @Override
      public String explanation() {
        return "the weights sum to %s: must be above 0 and at most %d".formatted(weight, survivors);
      }
    }

    /// A coordinate lies where honest sites cannot bring it.
    record CoordinateOutOfRange(Kind block, long coordinate) implements Reason {
      @Override
      public String explanation() {
        return "coordinate %d of block %s is beyond what the survivors can add up to"
            .formatted(coordinate, block);
      }
    }

    /// The summed counts contradict each other or are no multiple of their scale.
    record ImpossibleCounts(long coordinate) implements Reason {
      @Override
      public String explanation() {
        return "coordinate %d of block METRICS_COUNTS is no sum of counts".formatted(coordinate);
      }
    }

    /// The update block is longer than the survivors' clipped updates can make it.
    record NormOutOfRange(double norm, double limit) implements Reason {
      @Override
      public String explanation() {
        return "the summed update has norm %s: at most %s is possible".formatted(norm, limit);
      }
    }
  }
}
