package dev.comity.consortium;

import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import dev.comity.membership.SignedMembership;
import java.util.Base64;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// Reads and writes the few JSON shapes of the aggregator's REST interface.
final class Json {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private Json() {}

  static JsonNode parse(String what, String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JacksonException e) {
      throw new MalformedException(what + ": not JSON", e);
    }
  }

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  static String pretty(JsonNode node) {
    return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(node);
  }

  /// A required text.
  static String text(String what, JsonNode node, String field) {
    JsonNode value = node.path(field);
    if (!value.isString()) {
      throw new MalformedException("%s: field \"%s\" must be a text".formatted(what, field));
    }
    return value.stringValue();
  }

  static SignedMembership membership(String what, JsonNode node) {
    return new SignedMembership(base64(what, node, "document"), base64(what, node, "signature"));
  }

  static ObjectNode json(SignedMembership membership) {
    return object()
        .put("document", base64(membership.document()))
        .put("signature", base64(membership.signature()));
  }

  private static Bytes base64(String what, JsonNode node, String field) {
    try {
      return Bytes.of(Base64.getDecoder().decode(text(what, node, field)));
    } catch (IllegalArgumentException e) {
      throw new MalformedException("%s: field \"%s\" must be base64".formatted(what, field), e);
    }
  }

  private static String base64(Bytes bytes) {
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
