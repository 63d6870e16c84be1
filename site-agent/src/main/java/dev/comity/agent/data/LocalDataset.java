package dev.comity.agent.data;

import dev.comity.agent.data.SiteMapping.SplitRule;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// A site's examples, mapped, split and scaled. Immutable; everything here stays on the site.
public final class LocalDataset {
  private final Rows rawTrain;
  private final Rows rawTest;
  private final Rows train;
  private final Rows test;
  private final long dropped;

  private LocalDataset(Rows rawTrain, Rows rawTest, boolean standardise, long dropped) {
    this.rawTrain = rawTrain;
    this.rawTest = rawTest;
    this.dropped = dropped;
    if (standardise) {
      var scale = Standardisation.of(rawTrain);
      this.train = scale.apply(rawTrain);
      this.test = scale.apply(rawTest);
    } else {
      this.train = rawTrain;
      this.test = rawTest;
    }
  }

  /// Reads the files that `mapping` names. Refuses a missing file or column, a malformed line, a
  /// cell that is no number, category or class, and a split with an empty side.
  public static LocalDataset read(SiteMapping mapping) {
    var split = splitFile(mapping);
    var builder = new MappedRows(mapping);
    for (var file : mapping.source().files()) {
      var source = mapping.source();
      var table =
          source.header()
              ? CsvTable.withHeader(file, source.delimiter())
              : CsvTable.withColumns(file, source.delimiter(), source.columns());
      table.forEach(mapping.usedColumns(), builder::add);
    }
    var sides =
        switch (mapping.split()) {
          case SplitRule.Fraction fraction -> drawn(fraction, builder.count());
          case SplitRule.Listed _ -> listed(split, builder);
        };
    if (sides.train().isEmpty() || sides.test().isEmpty()) {
      throw new DataRefusedException(
          "%s: split: leaves no complete row for %s"
              .formatted(mapping.file(), sides.train().isEmpty() ? "training" : "the test"));
    }
    return new LocalDataset(
        builder.rows(sides.train()),
        builder.rows(sides.test()),
        mapping.standardise(),
        builder.dropped());
  }

  /// The rows to train on, scaled by their own statistics if the mapping says so.
  public Rows train() {
    return train;
  }

  /// The rows to evaluate on, scaled by the statistics of the rows to train on.
  public Rows test() {
    return test;
  }

  /// [#train()] before scaling.
  public Rows rawTrain() {
    return rawTrain;
  }

  /// [#test()] before scaling.
  public Rows rawTest() {
    return rawTest;
  }

  /// How many rows were left out because a used cell is missing. For the site's own eyes.
  public long dropped() {
    return dropped;
  }

  @Override
  public String toString() {
    return "LocalDataset[" + train + "]";
  }

  private record Sides(List<Integer> train, List<Integer> test) {}

  private static Sides drawn(SplitRule.Fraction rule, int count) {
    var order = new ArrayList<Integer>();
    for (int row = 0; row < count; row++) {
      order.add(row);
    }
    Collections.shuffle(order, new Random(rule.seed())); // both specified to the bit by the JDK
    int test = (int) Math.round(count * rule.test());
    return new Sides(
        order.subList(test, count).stream().sorted().toList(),
        order.subList(0, test).stream().sorted().toList());
  }

  private static Sides listed(Map<Long, Boolean> testByLine, MappedRows rows) {
    var train = new ArrayList<Integer>();
    var test = new ArrayList<Integer>();
    for (int row = 0; row < rows.count(); row++) {
      Boolean inTest = testByLine.get(rows.line(row));
      if (inTest != null) {
        (inTest ? test : train).add(row);
      }
    }
    return new Sides(train, test);
  }

  /// Line number to "is in the test".
  private static Map<Long, Boolean> splitFile(SiteMapping mapping) {
    return switch (mapping.split()) {
      case SplitRule.Fraction _ -> Map.of();
      case SplitRule.Listed rule -> {
        var testByLine = new HashMap<Long, Boolean>();
        var columns = new ArrayList<>(rule.where().keySet());
        columns.add(rule.line());
        columns.add(rule.set());
        CsvTable.withHeader(rule.path(), ',')
            .forEach(
                columns,
                row -> {
                  boolean matches =
                      rule.where().entrySet().stream()
                          .allMatch(entry -> row.text(entry.getKey()).equals(entry.getValue()));
                  if (matches) {
                    addLine(rule, row, testByLine);
                  }
                });
        yield testByLine;
      }
    };
  }

  private static void addLine(
      SplitRule.Listed rule, CsvTable.Row row, Map<Long, Boolean> testByLine) {
    double line = row.number(rule.line());
    if (line < 1 || line != Math.rint(line)) {
      throw row.refused(rule.line(), "not a line number");
    }
    String set = row.text(rule.set());
    if (!set.equals("train") && !set.equals("test")) {
      throw row.refused(rule.set(), "neither train nor test");
    }
    if (testByLine.put((long) line, set.equals("test")) != null) {
      throw row.refused(rule.line(), "this line is listed twice");
    }
  }
}
