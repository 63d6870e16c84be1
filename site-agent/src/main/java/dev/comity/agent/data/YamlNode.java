package dev.comity.agent.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// One place in a YAML file, read strictly: every refusal names the file and the key, and [#end()]
/// refuses the keys of a map that nobody asked for. Confined to the thread that reads the file.
final class YamlNode {
  private static final YAMLMapper MAPPER =
      YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final Path file;
  private final String key;
  private final JsonNode node;
  private final TreeSet<String> known = new TreeSet<>();

  private YamlNode(Path file, String key, JsonNode node) {
    this.file = file;
    this.key = key;
    this.node = node;
  }

  /// The root of `file`, which must be a map.
  static YamlNode read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new DataRefusedException(file + ": no such file");
    }
    try {
      var root = MAPPER.readTree(file);
      return new YamlNode(file, "", root).map();
    } catch (JacksonException malformed) {
      var at = malformed.getLocation();
      throw new DataRefusedException(
          "%s: not well-formed YAML at line %d, column %d: %s"
              .formatted(file, at.getLineNr(), at.getColumnNr(), malformed.getOriginalMessage()),
          malformed);
    }
  }

  boolean isMap() {
    return node.isObject();
  }

  YamlNode map() {
    if (!node.isObject()) {
      throw refused("must be a map");
    }
    return this;
  }

  /// The value under `name`, or a refusal.
  YamlNode required(String name) {
    return optional(name).orElseThrow(() -> child(name, node).refused("is missing"));
  }

  Optional<YamlNode> optional(String name) {
    known.add(name);
    return Optional.ofNullable(map().node.get(name)).map(value -> child(name, value));
  }

  /// Refuses the keys of this map that were not asked for.
  void end() {
    for (String name : node.propertyNames()) {
      if (!known.contains(name)) {
        throw child(name, node)
            .refused("unknown key; allowed here: %s".formatted(String.join(", ", known)));
      }
    }
  }

  List<YamlNode> list() {
    if (!node.isArray()) {
      throw refused("must be a list");
    }
    var items = new ArrayList<YamlNode>();
    for (int index = 0; index < node.size(); index++) {
      items.add(new YamlNode(file, "%s[%d]".formatted(key, index), node.get(index)));
    }
    return items;
  }

  /// A scalar as it is written: `63`, `63.0` and `'63'` are three texts.
  String text() {
    if (!node.isValueNode() || node.isNull()) {
      throw refused("must be a text or a number");
    }
    return node.asString();
  }

  boolean flag() {
    if (!node.isBoolean()) {
      throw refused("must be true or false");
    }
    return node.booleanValue();
  }

  long integer() {
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw refused("must be a whole number");
    }
    return node.longValue();
  }

  double real() {
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      throw refused("must be a number");
    }
    return node.doubleValue();
  }

  Map<String, String> texts() {
    var texts = new LinkedHashMap<String, String>();
    for (String name : map().node.propertyNames()) {
      texts.put(name, required(name).text());
    }
    return texts;
  }

  DataRefusedException refused(String why) {
    return new DataRefusedException(
        "%s: %s: %s".formatted(file, key.isEmpty() ? "(root)" : key, why));
  }

  private YamlNode child(String name, JsonNode value) {
    return new YamlNode(file, key.isEmpty() ? name : key + "." + name, value);
  }
}
