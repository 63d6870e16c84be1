package dev.comity.agent.data;

import dev.comity.plan.Architecture;
import dev.comity.plan.DataContract;
import dev.comity.plan.Digest;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// How a site's files become what a study's data contract asks for. Read from the site's own YAML
/// file, strictly: an unknown key is refused.
///
/// ```yaml
/// source:
///   files: [processed.cleveland.data] # relative to this file
///   header: false                     # then the columns are named here
///   columns: [age, sex, cp, num]
///   delimiter: ','                    # the default
///   missing: ['?', '']                # the default is ['']
/// features:                           # in the contract's order
///   - numeric: age
///   - numeric: {column: chol, center: 240, scale: 50} # constants of the study
///   - oneHot: {column: cp, categories: [1, 2, 3, 4], dropFirst: true}
/// label: {name: disease, column: num, positiveAbove: 0}
/// split: {fraction: {test: 0.34, seed: 7}}
/// standardise: false                  # the default is true, which suits no such constants
/// ```
///
/// A label is positive above a number (`positiveAbove`), one of two texts (`equals: {positive: M,
/// negative: B}`) or a class number from 0 (`classIndex: 10`, the number of classes). A split draws
/// a fraction, or reads a file that lists lines: `file: {path: split.csv, where: {site: cleveland},
/// line: line_in_file, set: set}`, whose set column holds `train` or `test`; a line it does not
/// list is not used.
public record SiteMapping(
    Path file,
    Source source,
    List<Feature> features,
    Label label,
    SplitRule split,
    boolean standardise) {

  public SiteMapping {
    features = List.copyOf(features);
    if (features.isEmpty()) {
      throw new DataRefusedException(file + ": features: must name at least one column");
    }
    if (standardise && features.stream().anyMatch(Feature::isScaled)) {
      throw new DataRefusedException(
          file
              + ": standardise: this site's own statistics would undo center and scale; set"
              + " standardise: false");
    }
    var names = new HashSet<String>();
    for (var feature : features) {
      for (String name : feature.names()) {
        if (!names.add(name)) {
          throw new DataRefusedException(
              "%s: features: %s is built twice; a contract names a feature once"
                  .formatted(file, name));
        }
      }
    }
  }

  /// Where the rows are. Without a header line `columns` names the columns in order.
  public record Source(
      List<Path> files, boolean header, List<String> columns, char delimiter, Set<String> missing) {
    public Source {
      files = List.copyOf(files);
      columns = List.copyOf(columns);
      missing = Set.copyOf(missing);
    }
  }

  /// One column and the features it gives.
  public sealed interface Feature {
    String column();

    /// The names in the data contract, in order.
    List<String> names();

    /// Whether constants of the study scale it.
    boolean isScaled();

    /// `(number − center) / scale`. The constants are the study's, the same at every site: the name
    /// in the data contract tells them, `(age - 54) / 9`, unless they change nothing.
    record Numeric(String column, double center, double scale) implements Feature {
      public Numeric {
        if (!Double.isFinite(center) || !(scale > 0 && Double.isFinite(scale))) {
          throw new IllegalArgumentException(
              "column %s: center %s must be finite, scale %s must be > 0 and finite"
                  .formatted(column, center, scale));
        }
      }

      /// The column's number itself.
      public Numeric(String column) {
        this(column, 0, 1);
      }

      @Override
      public boolean isScaled() {
        return center != 0 || scale != 1;
      }

      @Override
      public List<String> names() {
        return List.of(
            isScaled() ? "(%s - %s) / %s".formatted(column, plain(center), plain(scale)) : column);
      }

      /// In decimal, without an exponent and without zeros at the end.
      private static String plain(double value) {
        return value == 0 ? "0" : BigDecimal.valueOf(value).stripTrailingZeros().toPlainString();
      }
    }

    /// 1 for the row's category and 0 for the others, named `column=category`; the first category
    /// gives no feature when `dropFirst`. Categories that are numbers are compared as numbers.
    record OneHot(String column, List<String> categories, boolean dropFirst) implements Feature {
      public OneHot {
        categories = List.copyOf(categories);
      }

      @Override
      public boolean isScaled() {
        return false;
      }

      @Override
      public List<String> names() {
        return categories.stream()
            .skip(dropFirst ? 1 : 0)
            .map(category -> column + "=" + category)
            .toList();
      }
    }
  }

  /// The label's name in the data contract, its column and its rule.
  public record Label(String name, String column, LabelRule rule) {}

  /// Which class a label cell means.
  public sealed interface LabelRule {
    int classes();

    /// 1 above the threshold, else 0.
    record PositiveAbove(double threshold) implements LabelRule {
      @Override
      public int classes() {
        return 2;
      }
    }

    /// 1 for the first text, 0 for the second; any other is refused.
    record Equals(String positive, String negative) implements LabelRule {
      @Override
      public int classes() {
        return 2;
      }
    }

    /// A whole number in [0, classes).
    record ClassIndex(int classes) implements LabelRule {}
  }

  /// Which rows are for training and which for the test.
  public sealed interface SplitRule {
    /// `test` of the rows, drawn by a generator with this seed.
    record Fraction(double test, long seed) implements SplitRule {}

    /// Lines of the only source file, listed by the rows of `path` that match `where`.
    record Listed(Path path, Map<String, String> where, String line, String set)
        implements SplitRule {
      public Listed {
        where = Map.copyOf(where);
      }
    }
  }

  /// Reads `file`, or refuses it by key.
  public static SiteMapping read(Path file) {
    return SiteMappingReader.read(file);
  }

  /// What this mapping builds.
  public DataContract contract() {
    return new DataContract(
        features.stream().flatMap(feature -> feature.names().stream()).toList(),
        label.name(),
        label.rule().classes());
  }

  /// Refuses a study whose model or data contract is not what this mapping builds.
  ///
  /// @param contract digest of the study's data contract, from the plan
  public void check(Digest contract, Architecture architecture) {
    var built = contract();
    int inputs = architecture.inputs();
    if (inputs != built.features().size()) {
      throw new DataRefusedException(
          "%s: features: builds %d features, the study's model %s takes %d"
              .formatted(file, built.features().size(), architecture, inputs));
    }
    int classes = architecture.binary() ? 2 : architecture.outputs();
    if (classes != built.classes()) {
      throw new DataRefusedException(
          "%s: label: has %d classes, the study's model %s tells %d apart"
              .formatted(file, built.classes(), architecture, classes));
    }
    if (!contract.equals(built.digest())) {
      throw new DataRefusedException(
          ("%s: builds data contract %s (features %s; label %s), the study asks for %s: names and"
                  + " order of the features and the name of the label must be the study's")
              .formatted(
                  file,
                  built.digest().hex(),
                  String.join(", ", built.features()),
                  built.label(),
                  contract.hex()));
    }
  }

  /// The columns that features and label are built from; a row that misses one of them is dropped.
  public List<String> usedColumns() {
    var used = new ArrayList<String>();
    features.forEach(feature -> used.add(feature.column()));
    used.add(label.column());
    return used.stream().distinct().toList();
  }
}
