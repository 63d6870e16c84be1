package dev.comity.plan;

import java.util.List;
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

  /// As `mlp(60,32,10)`.
  @Override
  public String toString() {
    return family + widths.stream().map(String::valueOf).collect(Collectors.joining(",", "(", ")"));
  }
}
