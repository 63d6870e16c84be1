package dev.comity.run.web;

import dev.comity.run.web.SubmissionFaults.Fault;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// One JSON object, read field by field. Nothing is thrown: each fault is noted under its pointer
/// and reading goes on, so that all faults are found at once.
final class JsonFields {
  private final @Nullable JsonNode object;
  private final String pointer;
  private final List<Fault> faults;
  private final Set<String> known = new HashSet<>();

  private JsonFields(@Nullable JsonNode object, String pointer, List<Fault> faults) {
    this.object = object;
    this.pointer = pointer;
    this.faults = faults;
  }

  static JsonFields of(JsonNode document, List<Fault> faults) {
    if (!document.isObject()) {
      faults.add(new Fault("", "must be a JSON object"));
      return new JsonFields(null, "", faults);
    }
    return new JsonFields(document, "", faults);
  }

  /// Notes a fault of `field`.
  void fault(String field, String detail) {
    faults.add(new Fault(pointer + "/" + field, detail));
  }

  boolean has(String field) {
    return node(field) != null;
  }

  private @Nullable JsonNode node(String field) {
    known.add(field);
    if (object == null) {
      return null;
    }
    var node = object.get(field);
    return node == null || node.isNull() ? null : node;
  }

  private @Nullable JsonNode required(String field) {
    var node = node(field);
    if (node == null && object != null) {
      fault(field, "is required");
    }
    return node;
  }

  @Nullable String text(String field, int longest) {
    return text(field, required(field), longest);
  }

  @Nullable String optionalText(String field, int longest) {
    return text(field, node(field), longest);
  }

  private @Nullable String text(String field, @Nullable JsonNode node, int longest) {
    if (node == null) {
      return null;
    }
    if (!node.isString() || node.stringValue().isBlank() || node.stringValue().length() > longest) {
      fault(field, "must be a text of 1 to %d characters, not blank".formatted(longest));
      return null;
    }
    return node.stringValue();
  }

  @Nullable Long integer(String field, long least, long most) {
    return integer(field, required(field), least, most);
  }

  long integer(String field, long least, long most, long otherwise) {
    var value = integer(field, node(field), least, most);
    return value == null ? otherwise : value;
  }

  private @Nullable Long integer(String field, @Nullable JsonNode node, long least, long most) {
    if (node == null) {
      return null;
    }
    if (!node.isIntegralNumber()
        || !node.canConvertToLong()
        || node.longValue() < least
        || node.longValue() > most) {
      fault(field, "must be a whole number from %d to %d".formatted(least, most));
      return null;
    }
    return node.longValue();
  }

  @Nullable Double real(String field) {
    return real(field, required(field));
  }

  double real(String field, double otherwise) {
    var value = real(field, node(field));
    return value == null ? otherwise : value;
  }

  private @Nullable Double real(String field, @Nullable JsonNode node) {
    if (node == null) {
      return null;
    }
    if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
      fault(field, "must be a finite number");
      return null;
    }
    return node.doubleValue();
  }

  boolean flag(String field, boolean otherwise) {
    var node = node(field);
    if (node == null) {
      return otherwise;
    }
    if (!node.isBoolean()) {
      fault(field, "must be true or false");
      return otherwise;
    }
    return node.booleanValue();
  }

  Duration duration(String field, Duration least, Duration otherwise) {
    var node = node(field);
    if (node == null) {
      return otherwise;
    }
    try {
      var duration = Duration.parse(node.isString() ? node.stringValue() : "");
      if (duration.compareTo(least) >= 0) {
        return duration;
      }
    } catch (DateTimeParseException _) {
      fault(field, "must be an ISO 8601 duration such as PT30M");
      return otherwise;
    }
    fault(field, "must be at least " + least);
    return otherwise;
  }

  /// The object in `field`; an absent one reads as empty, with a fault if it is required.
  JsonFields object(String field, boolean required) {
    var node = required ? required(field) : node(field);
    if (node != null && !node.isObject()) {
      fault(field, "must be a JSON object");
      node = null;
    }
    return new JsonFields(node, pointer + "/" + field, faults);
  }

  /// The list in `field`, each element through `element`, which gives null for a wrong one.
  <T> @Nullable List<T> list(
      String field, boolean required, String expected, Function<JsonNode, @Nullable T> element) {
    var node = required ? required(field) : node(field);
    if (node == null) {
      return null;
    }
    if (!node.isArray()) {
      fault(field, "must be a list");
      return null;
    }
    List<T> values = new ArrayList<>();
    boolean whole = true;
    for (int i = 0; i < node.size(); i++) {
      var value = element.apply(node.get(i));
      if (value == null) {
        fault(field + "/" + i, expected);
        whole = false;
      } else {
        values.add(value);
      }
    }
    return whole ? values : null;
  }

  /// `make` from values that hold each by itself; what it refuses is a fault of `field`.
  <T> @Nullable T checked(String field, Supplier<T> make) {
    try {
      return make.get();
    } catch (IllegalArgumentException | ArithmeticException e) {
      fault(field, String.valueOf(e.getMessage()));
      return null;
    }
  }

  /// Notes every field that nobody asked for.
  void end() {
    if (object == null) {
      return;
    }
    for (var name : object.propertyNames()) {
      if (!known.contains(name)) {
        fault(name.replace("~", "~0").replace("/", "~1"), "unknown field; remove or correct it");
      }
    }
  }
}
