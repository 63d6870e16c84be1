package dev.comity.codec;

import java.util.List;
import java.util.SequencedMap;

/// An item of the subset of CBOR that documents use.
sealed interface CborValue {
  record Whole(long value) implements CborValue {}

  record Real(double value) implements CborValue {}

  record Text(String value) implements CborValue {}

  record Binary(Bytes value) implements CborValue {}

  record Flag(boolean value) implements CborValue {}

  record Sequence(List<CborValue> items) implements CborValue {
    public Sequence {
      items = List.copyOf(items);
    }
  }

  /// Written as it is, never read.
  record Encoded(Bytes item) implements CborValue {}

  record Mapping(SequencedMap<String, CborValue> fields) implements CborValue {}

  /// What a reader of an error message would call this item.
  default String kind() {
    return switch (this) {
      case Whole _ -> "an integer";
      case Real _ -> "a float";
      case Text _ -> "a text";
      case Binary(Bytes value) -> value.size() + " bytes";
      case Flag _ -> "a boolean";
      case Sequence _ -> "a list";
      case Mapping _ -> "a map";
      case Encoded _ -> "an encoded item";
    };
  }
}
