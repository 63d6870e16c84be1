package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import dev.comity.agent.resources.Source;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import tools.jackson.core.JsonPointer;
import tools.jackson.databind.JsonNode;

/// Numbers out of one JSON document: an inverter, a BMC, Redfish. Each reading is what a JSON
/// pointer (RFC 6901) finds: a number, a text that is one, or true and false for 1 and 0.
public final class JsonSource implements Source {
  private final JsonEndpoint endpoint;
  private final Map<String, JsonPointer> pointers;
  private final LongSupplier nanos;

  /// @param pointers by the names of the readings
  public JsonSource(JsonEndpoint endpoint, Map<String, String> pointers, LongSupplier nanos) {
    this.endpoint = endpoint;
    this.nanos = nanos;
    this.pointers = new HashMap<>();
    pointers.forEach((name, pointer) -> this.pointers.put(name, compiled(name, pointer)));
  }

  private static JsonPointer compiled(String name, String pointer) {
    try {
      return JsonPointer.compile(pointer);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "%s: %s is no JSON pointer, as /a/0/b is one".formatted(name, pointer), e);
    }
  }

  @Override
  public Optional<Set<String>> names() {
    return Optional.of(Set.copyOf(pointers.keySet()));
  }

  @Override
  public Map<String, Reading> read() throws IOException, InterruptedException {
    JsonNode document = endpoint.get();
    long now = nanos.getAsLong();
    var readings = new HashMap<String, Reading>();
    pointers.forEach((name, pointer) ->
        number(document.at(pointer))
            .ifPresent(value -> readings.put(name, new Reading(value, now))));
    return readings;
  }

  static Optional<Double> number(JsonNode node) {
    if (node.isBoolean()) {
      return Optional.of(node.booleanValue() ? 1.0 : 0.0);
    }
    if (node.isNumber()) {
      return Optional.of(node.doubleValue()).filter(Double::isFinite);
    }
    if (node.isString()) {
      try {
        return Optional.of(Double.parseDouble(node.asString().strip())).filter(Double::isFinite);
      } catch (NumberFormatException e) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  @Override
  public void close() {
    endpoint.close();
  }
}
