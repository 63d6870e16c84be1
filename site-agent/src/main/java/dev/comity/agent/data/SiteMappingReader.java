package dev.comity.agent.data;

import dev.comity.agent.data.SiteMapping.Feature;
import dev.comity.agent.data.SiteMapping.Label;
import dev.comity.agent.data.SiteMapping.LabelRule;
import dev.comity.agent.data.SiteMapping.Source;
import dev.comity.agent.data.SiteMapping.SplitRule;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Reads a [SiteMapping] key by key.
final class SiteMappingReader {
  private final Path folder;

  private SiteMappingReader(Path folder) {
    this.folder = folder;
  }

  static SiteMapping read(Path file) {
    var reader = new SiteMappingReader(file.toAbsolutePath().resolveSibling(""));
    var root = YamlNode.read(file);
    var source = reader.source(root.required("source"));
    var features = new ArrayList<Feature>();
    for (var node : root.required("features").list()) {
      features.add(reader.feature(node, source));
    }
    var label = reader.label(root.required("label"), source);
    var split = reader.split(root.required("split"), source);
    boolean standardise = root.optional("standardise").map(YamlNode::flag).orElse(true);
    root.end();
    return new SiteMapping(file, source, features, label, split, standardise);
  }

  private Source source(YamlNode node) {
    var filesNode = node.required("files");
    var files = filesNode.list().stream().map(this::path).toList();
    if (files.isEmpty()) {
      throw filesNode.refused("must name at least one file");
    }
    boolean header = node.required("header").flag();
    var columns = new ArrayList<String>();
    var columnsNode = node.optional("columns");
    if (columnsNode.isPresent()) {
      if (header) {
        throw columnsNode.get().refused("must be absent with header: true");
      }
      for (var column : columnsNode.get().list()) {
        if (columns.contains(column.text())) {
          throw column.refused("'%s' is named twice".formatted(column.text()));
        }
        columns.add(column.text());
      }
    } else if (!header) {
      throw node.refused("columns is missing; header: false needs it");
    }
    var delimiterNode = node.optional("delimiter");
    char delimiter = ',';
    if (delimiterNode.isPresent()) {
      String text = delimiterNode.get().text();
      if (text.length() != 1) {
        throw delimiterNode.get().refused("must be one character");
      }
      delimiter = text.charAt(0);
    }
    Set<String> missing = Set.of("");
    var missingNode = node.optional("missing");
    if (missingNode.isPresent()) {
      missing = new HashSet<>();
      for (var value : missingNode.get().list()) {
        missing.add(value.text().strip());
      }
    }
    node.end();
    return new Source(files, header, columns, delimiter, missing);
  }

  private Feature feature(YamlNode node, Source source) {
    var numeric = node.optional("numeric");
    var oneHot = node.optional("oneHot");
    node.end();
    if (numeric.isPresent() == oneHot.isPresent()) {
      throw node.refused("must have one of numeric and oneHot");
    }
    return numeric
        .<Feature>map(column -> numeric(column, source))
        .orElseGet(() -> oneHot(oneHot.orElseThrow(), source));
  }

  /// A column's name, or a map of column, center and scale.
  private Feature numeric(YamlNode node, Source source) {
    if (!node.isMap()) {
      return new Feature.Numeric(column(node, source));
    }
    var column = column(node.required("column"), source);
    double center = node.required("center").real();
    var scaleNode = node.required("scale");
    double scale = scaleNode.real();
    node.end();
    if (!(scale > 0)) {
      throw scaleNode.refused("must be > 0");
    }
    return new Feature.Numeric(column, center, scale);
  }

  private Feature oneHot(YamlNode node, Source source) {
    var column = column(node.required("column"), source);
    var categoriesNode = node.required("categories");
    var categories = categoriesNode.list().stream().map(YamlNode::text).toList();
    boolean dropFirst = node.optional("dropFirst").map(YamlNode::flag).orElse(false);
    node.end();
    if (categories.size() < 2) {
      throw categoriesNode.refused("must list at least two categories");
    }
    if (Set.copyOf(categories).size() < categories.size()) {
      throw categoriesNode.refused("lists a category twice");
    }
    return new Feature.OneHot(column, categories, dropFirst);
  }

  private Label label(YamlNode node, Source source) {
    var column = column(node.required("column"), source);
    var name = node.optional("name").map(YamlNode::text).orElse(column);
    var above = node.optional("positiveAbove");
    var equals = node.optional("equals");
    var classes = node.optional("classIndex");
    node.end();
    var rules = new ArrayList<LabelRule>();
    above.ifPresent(threshold -> rules.add(new LabelRule.PositiveAbove(threshold.real())));
    equals.ifPresent(texts -> rules.add(equalsRule(texts)));
    classes.ifPresent(number -> rules.add(classIndex(number)));
    if (rules.size() != 1) {
      throw node.refused("must have one of positiveAbove, equals and classIndex");
    }
    return new Label(name, column, rules.getFirst());
  }

  private static LabelRule equalsRule(YamlNode node) {
    var rule =
        new LabelRule.Equals(node.required("positive").text(), node.required("negative").text());
    node.end();
    if (rule.positive().equals(rule.negative())) {
      throw node.refused("positive and negative must differ");
    }
    return rule;
  }

  private static LabelRule classIndex(YamlNode node) {
    long classes = node.integer();
    if (classes < 2 || classes > 100_000) {
      throw node.refused("must be a number of classes in 2..100000");
    }
    return new LabelRule.ClassIndex((int) classes);
  }

  private SplitRule split(YamlNode node, Source source) {
    var fraction = node.optional("fraction");
    var file = node.optional("file");
    node.end();
    if (fraction.isPresent() == file.isPresent()) {
      throw node.refused("must have one of fraction and file");
    }
    return fraction
        .map(SiteMappingReader::fraction)
        .orElseGet(() -> listed(file.orElseThrow(), source));
  }

  private static SplitRule fraction(YamlNode node) {
    var test = node.required("test");
    var rule = new SplitRule.Fraction(test.real(), node.required("seed").integer());
    node.end();
    if (!(rule.test() > 0 && rule.test() < 1)) {
      throw test.refused("must lie between 0 and 1");
    }
    return rule;
  }

  private SplitRule listed(YamlNode node, Source source) {
    if (source.files().size() != 1) {
      throw node.refused("lists lines of one file, source.files names several");
    }
    var path = path(node.required("path"));
    var where = node.required("where").texts();
    var rule =
        new SplitRule.Listed(
            path, where, node.required("line").text(), node.required("set").text());
    node.end();
    return rule;
  }

  private Path path(YamlNode node) {
    return folder.resolve(node.text()).normalize();
  }

  /// A column that the mapping names; with a header line the file itself is asked later.
  private static String column(YamlNode node, Source source) {
    String name = node.text();
    List<String> columns = source.columns();
    if (!source.header() && !columns.contains(name)) {
      throw node.refused(
          "no column '%s'; source.columns has %s".formatted(name, String.join(", ", columns)));
    }
    return name;
  }
}
