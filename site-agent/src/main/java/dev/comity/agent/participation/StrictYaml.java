package dev.comity.agent.participation;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.dataformat.yaml.YAMLMapper;

/// Reads a settings file into a record; an unknown, repeated, empty or ill-typed key is refused by
/// name. A key that is left out is the record's matter.
final class StrictYaml {
  private static final YAMLMapper MAPPER =
      YAMLMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .build();

  private StrictYaml() {}

  static <T> T read(Path file, Class<T> type) {
    try {
      String yaml = Files.readString(file, StandardCharsets.UTF_8);
      refuseEmpty(file, "", MAPPER.readTree(yaml));
      T value = MAPPER.readValue(yaml, type);
      if (value == null) {
        throw new RefusedSettings(file + ": is empty");
      }
      return value;
    } catch (UnrecognizedPropertyException e) {
      throw new RefusedSettings(
          "%s: unknown key %s; known keys: %s"
              .formatted(
                  file,
                  e.getPropertyName(),
                  e.getKnownPropertyIds().stream()
                      .map(String::valueOf)
                      .sorted()
                      .collect(Collectors.joining(", "))),
          e);
    } catch (DatabindException e) {
      throw new RefusedSettings(
          "%s: key %s: %s".formatted(file, key(e), e.getOriginalMessage()), e);
    } catch (JacksonException e) {
      throw new RefusedSettings("%s: is no YAML: %s".formatted(file, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new RefusedSettings(file + ": cannot be read", e);
    }
  }

  /// A default in place of a value that somebody began to write may permit more than was meant.
  private static void refuseEmpty(Path file, String at, JsonNode node) {
    if (node.isNull() && !at.isEmpty()) {
      throw new RefusedSettings(
          "%s: key %s is empty: state a value, or remove the key".formatted(file, at));
    }
    for (var property : node.properties()) {
      refuseEmpty(
          file,
          at.isEmpty() ? property.getKey() : at + "." + property.getKey(),
          property.getValue());
    }
    if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        refuseEmpty(file, "%s[%d]".formatted(at, i), node.get(i));
      }
    }
  }

  private static String key(DatabindException e) {
    var path = new StringBuilder();
    for (var reference : e.getPath()) {
      if (reference.getPropertyName() == null) {
        path.append('[').append(reference.getIndex()).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".").append(reference.getPropertyName());
      }
    }
    return path.isEmpty() ? "(root)" : path.toString();
  }
}
