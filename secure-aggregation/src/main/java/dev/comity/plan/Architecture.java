package dev.comity.plan;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A built-in model: its family and the widths of its layers, inputs first. `logistic-regression`
/// has [inputs, outputs]; `mlp` has [inputs, hidden…, outputs] with ReLU between layers. One output
/// is one logit of a binary model.
public record Architecture(String family, List<Integer> widths) {
  public static final String LOGISTIC_REGRESSION = "logistic-regression";
  public static final String MLP = "mlp";

  private static final Pattern FORM = Pattern.compile("([a-z-]+)\\((\\d{1,7}(?:,\\d{1,7})*)\\)");
  private static final int MAX_WIDTH = 1 << 20;
  private static final int MAX_LAYERS = 32;

  /// Any model may have hidden layers as wide as this.
  public static final int FREE_WIDTH = 128;

  /// A wider hidden layer has at most this many units for each input of the model.
  public static final int MOST_EXPANSION = 4;

  /// No hidden layer is wider than this unless the consortium names the model.
  public static final int MOST_WIDTH = 1024;

  public Architecture {
    widths = List.copyOf(widths);
    switch (family) {
      case LOGISTIC_REGRESSION -> {
        if (widths.size() != 2) {
          throw new IllegalArgumentException(
              "architecture.widths %s: logistic-regression has [inputs, outputs]"
                  .formatted(widths));
        }
      }
      case MLP -> {
        if (widths.size() < 3 || widths.size() > MAX_LAYERS) {
          throw new IllegalArgumentException(
              "architecture.widths %s: mlp has [inputs, hidden…, outputs], 3 to %d of them"
                  .formatted(widths, MAX_LAYERS));
        }
      }
      default ->
          throw new IllegalArgumentException(
              "architecture.family \"%s\": unknown; choose logistic-regression or mlp"
                  .formatted(family));
    }
    for (int width : widths) {
      if (width < 1 || width > MAX_WIDTH) {
        throw new IllegalArgumentException(
            "architecture.widths %s: each width must be 1 to %d".formatted(widths, MAX_WIDTH));
      }
    }
  }

  /// The inverse of `toString`.
  public static Architecture parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "architecture \"%s\": must look like mlp(60,32,10)".formatted(text));
    }
    return new Architecture(
        matcher.group(1), Stream.of(matcher.group(2).split(",")).map(Integer::valueOf).toList());
  }

  public int inputs() {
    return widths.getFirst();
  }

  public int outputs() {
    return widths.getLast();
  }

  /// One logit, so two classes.
  public boolean binary() {
    return outputs() == 1;
  }

  /// The first hidden layer that is shaped like an imprint, if there is one: wider than
  /// [#FREE_WIDTH] and than [#MOST_EXPANSION] times the model's inputs, or than [#MOST_WIDTH]. Such
  /// a layer has room for a bin for each example of all sites, whose inputs could then be read out
  /// of a sum of updates (Fowl et al. 2022, "Robbing the Fed", arXiv 2110.13057). A narrower one
  /// may hold an imprint too, with fewer bins: the shape bounds how much, not whether.
  public Optional<String> imprint() {
    long limit = Math.min(MOST_WIDTH, Math.max(FREE_WIDTH, (long) MOST_EXPANSION * inputs()));
    for (int layer = 1; layer < widths.size() - 1; layer++) {
      if (widths.get(layer) > limit) {
        return Optional.of(
            "hidden layer %d has %d units over %d inputs, more than the %d beyond which a layer may imprint single records"
                .formatted(layer, widths.get(layer), inputs(), limit));
      }
    }
    return Optional.empty();
  }

  /// As `mlp(60,32,10)`.
  @Override
  public String toString() {
    return family + widths.stream().map(String::valueOf).collect(Collectors.joining(",", "(", ")"));
  }
}
