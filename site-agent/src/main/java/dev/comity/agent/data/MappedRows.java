package dev.comity.agent.data;

import dev.comity.agent.data.SiteMapping.Feature;
import dev.comity.agent.data.SiteMapping.LabelRule;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;

/// Collects the complete rows of a mapping's files as numbers. Confined to the reading thread.
final class MappedRows {
  private final SiteMapping mapping;
  private final List<String> usedColumns;
  private final int width;
  private float[] features;
  private int[] labels = new int[256];
  private long[] lines = new long[256];
  private int count;
  private long dropped;

  MappedRows(SiteMapping mapping) {
    this.mapping = mapping;
    this.usedColumns = mapping.usedColumns();
    this.width = mapping.features().stream().mapToInt(feature -> feature.names().size()).sum();
    this.features = new float[256 * width];
  }

  /// Takes `row`, or counts it as dropped when a used cell is missing.
  void add(CsvTable.Row row) {
    for (String column : usedColumns) {
      if (mapping.source().missing().contains(row.text(column))) {
        dropped++;
        return;
      }
    }
    if (count == labels.length) {
      int capacity = Math.multiplyExact(count, 2);
      features = Arrays.copyOf(features, Math.multiplyExact(capacity, width));
      labels = Arrays.copyOf(labels, capacity);
      lines = Arrays.copyOf(lines, capacity);
    }
    int next = count * width;
    for (var feature : mapping.features()) {
      next =
          switch (feature) {
            case Feature.Numeric numeric -> addNumber(row, numeric, next);
            case Feature.OneHot oneHot -> addCategory(row, oneHot, next);
          };
    }
    labels[count] = label(row);
    lines[count] = row.line();
    count++;
  }

  int count() {
    return count;
  }

  long dropped() {
    return dropped;
  }

  /// Where row number `row` stood in its file.
  long line(int row) {
    return lines[row];
  }

  Rows rows(List<Integer> chosen) {
    var chosenFeatures = new float[chosen.size() * width];
    var chosenLabels = new int[chosen.size()];
    for (int i = 0; i < chosenLabels.length; i++) {
      int row = chosen.get(i);
      System.arraycopy(features, row * width, chosenFeatures, i * width, width);
      chosenLabels[i] = labels[row];
    }
    return new Rows(width, chosenFeatures, chosenLabels);
  }

  private int addNumber(CsvTable.Row row, Feature.Numeric feature, int next) {
    double scaled = (row.number(feature.column()) - feature.center()) / feature.scale();
    float number = (float) scaled;
    if (!Float.isFinite(number)) {
      throw row.refused(feature.column(), "too large for a float32");
    }
    features[next] = number;
    return next + 1;
  }

  private int addCategory(CsvTable.Row row, Feature.OneHot feature, int start) {
    int next = start;
    String cell = row.text(feature.column());
    int found = -1;
    for (int i = 0; i < feature.categories().size() && found < 0; i++) {
      if (same(cell, feature.categories().get(i))) {
        found = i;
      }
    }
    if (found < 0) {
      throw row.refused(
          feature.column(),
          "none of the %d categories that the mapping lists"
              .formatted(feature.categories().size()));
    }
    for (int i = feature.dropFirst() ? 1 : 0; i < feature.categories().size(); i++) {
      features[next++] = i == found ? 1f : 0f;
    }
    return next;
  }

  private int label(CsvTable.Row row) {
    String column = mapping.label().column();
    return switch (mapping.label().rule()) {
      case LabelRule.PositiveAbove(double threshold) -> row.number(column) > threshold ? 1 : 0;
      case LabelRule.Equals(String positive, String negative) -> {
        String cell = row.text(column);
        if (same(cell, positive)) {
          yield 1;
        }
        if (same(cell, negative)) {
          yield 0;
        }
        throw row.refused(column, "neither of the two label texts that the mapping names");
      }
      case LabelRule.ClassIndex(int classes) -> {
        double number = row.number(column);
        if (number != Math.rint(number) || number < 0 || number >= classes) {
          throw row.refused(
              column, "outside the classes 0..%d that the mapping names".formatted(classes - 1));
        }
        yield (int) number;
      }
    };
  }

  /// Equal texts, or two spellings of one number: `1`, `1.0`.
  private static boolean same(String cell, String category) {
    if (cell.equals(category)) {
      return true;
    }
    var left = number(cell);
    var right = number(category);
    return left.isPresent() && right.isPresent() && left.getAsDouble() == right.getAsDouble();
  }

  private static OptionalDouble number(String text) {
    try {
      return OptionalDouble.of(Double.parseDouble(text));
    } catch (NumberFormatException notANumber) {
      return OptionalDouble.empty();
    }
  }
}
