package dev.comity.formats;

import static dev.comity.formats.MalformedSafetensorsException.quote;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/// The header of a safetensors file: 8 bytes little-endian length, then that many bytes of JSON.
/// Parsing accepts exactly the format and nothing near it: known keys only, no key twice, tensors
/// that cover the data without hole or overlap. Tensors are in the order of their data.
record SafetensorsHeader(Map<String, String> metadata, List<TensorInfo> tensors, long dataOffset) {
  static final String METADATA = "__metadata__";
  static final int LENGTH_BYTES = 8;
  static final int LONGEST = 100_000_000;

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  SafetensorsHeader {
    metadata = Collections.unmodifiableSortedMap(new TreeMap<>(metadata));
    tensors = List.copyOf(tensors);
  }

  static SafetensorsHeader parse(MemorySegment file) {
    if (file.byteSize() < LENGTH_BYTES) {
      throw new MalformedSafetensorsException(
          "the file has %d bytes; a safetensors file starts with %d bytes of header length"
              .formatted(file.byteSize(), LENGTH_BYTES));
    }
    long length = file.get(LENGTH, 0);
    if (length < 2 || length > LONGEST) {
      throw new MalformedSafetensorsException(
          "header length %s must be between 2 and %d bytes"
              .formatted(Long.toUnsignedString(length), LONGEST));
    }
    if (length > file.byteSize() - LENGTH_BYTES) {
      throw new MalformedSafetensorsException(
          "header length %d, but only %d bytes follow it: the file is cut off"
              .formatted(length, file.byteSize() - LENGTH_BYTES));
    }
    String json = decodeUtf8(file.asSlice(LENGTH_BYTES, length));
    if (json.charAt(0) != '{') {
      throw new MalformedSafetensorsException("the header must start with '{'");
    }
    long dataOffset = LENGTH_BYTES + length;
    try (var parser = JSON.createParser(ObjectReadContext.empty(), json)) {
      return new Parsing(parser, json).header(dataOffset, file.byteSize() - dataOffset);
    } catch (JacksonException e) {
      throw new MalformedSafetensorsException(
          "the header is not the JSON that safetensors allows: "
              + quote(Optional.ofNullable(e.getOriginalMessage()).orElse("unreadable")),
          e);
    }
  }

  private static String decodeUtf8(MemorySegment header) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(header.asByteBuffer()).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedSafetensorsException("the header is not UTF-8", e);
    }
  }

  /// One pass over the header's tokens.
  private record Parsing(JsonParser parser, String json) {
    SafetensorsHeader header(long dataOffset, long dataBytes) {
      Map<String, String> metadata = Map.of();
      var tensors = new ArrayList<TensorInfo>();
      parser.nextToken();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String name = parser.currentName();
        if (name.equals(METADATA)) {
          metadata = metadata();
        } else {
          tensors.add(tensor(name));
        }
      }
      requireOnlySpacesFollow();
      tensors.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
      requireCovered(tensors, dataBytes);
      return new SafetensorsHeader(metadata, tensors, dataOffset);
    }

    private Map<String, String> metadata() {
      require(JsonToken.START_OBJECT, METADATA, "an object of strings");
      SequencedMap<String, String> metadata = new TreeMap<>();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String key = parser.currentName();
        require(JsonToken.VALUE_STRING, METADATA + " " + quote(key), "a string");
        metadata.put(key, parser.getString());
      }
      return metadata;
    }

    private TensorInfo tensor(String name) {
      String where = "tensor " + quote(name);
      require(JsonToken.START_OBJECT, where, "an object");
      ElementType type = null;
      List<Long> shape = null;
      List<Long> offsets = null;
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String key = parser.currentName();
        switch (key) {
          case "dtype" -> type = type(where);
          case "shape" -> shape = counts(where + " shape");
          case "data_offsets" -> offsets = counts(where + " data_offsets");
          default ->
              throw new MalformedSafetensorsException(
                  where
                      + " has an unknown key "
                      + quote(key)
                      + "; allowed: dtype, shape,"
                      + " data_offsets");
        }
      }
      if (type == null || shape == null || offsets == null) {
        throw new MalformedSafetensorsException(where + " must have dtype, shape, data_offsets");
      }
      if (offsets.size() != 2) {
        throw new MalformedSafetensorsException(
            "%s: data_offsets must be 2 numbers, found %d".formatted(where, offsets.size()));
      }
      return new TensorInfo(name, type, shape, offsets.get(0), offsets.get(1));
    }

    private ElementType type(String where) {
      require(JsonToken.VALUE_STRING, where + " dtype", "a string");
      String name = parser.getString();
      return ElementType.named(name)
          .orElseThrow(() ->
              new MalformedSafetensorsException(
                  "%s: unknown dtype %s; known: %s"
                      .formatted(where, quote(name), ElementType.names())));
    }

    private List<Long> counts(String where) {
      require(JsonToken.START_ARRAY, where, "an array of whole numbers");
      var counts = new ArrayList<Long>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT || parser.getLongValue() < 0) {
          throw new MalformedSafetensorsException(
              "%s: element %d must be a whole number >= 0".formatted(where, counts.size()));
        }
        counts.add(parser.getLongValue());
      }
      return counts;
    }

    private void require(JsonToken token, String where, String what) {
      if (parser.nextToken() != token) {
        throw new MalformedSafetensorsException(where + " must be " + what);
      }
    }

    private void requireOnlySpacesFollow() {
      long end = parser.currentLocation().getCharOffset();
      for (int i = (int) end; i < json.length(); i++) {
        if (json.charAt(i) != ' ') {
          throw new MalformedSafetensorsException(
              "only spaces may follow the header's JSON; found another character at position " + i);
        }
      }
    }

    private static void requireCovered(List<TensorInfo> tensors, long dataBytes) {
      long covered = 0;
      for (var tensor : tensors) {
        if (tensor.begin() != covered) {
          throw new MalformedSafetensorsException(
              "tensor %s: data_offsets [%d, %d] %s, expected to start at %d"
                  .formatted(
                      quote(tensor.name()),
                      tensor.begin(),
                      tensor.end(),
                      tensor.begin() < covered ? "overlap another tensor" : "leave a hole",
                      covered));
        }
        covered = tensor.end();
      }
      if (covered != dataBytes) {
        throw new MalformedSafetensorsException(
            "the tensors take %d bytes, but the file holds %d bytes of data"
                .formatted(covered, dataBytes));
      }
    }
  }
}
