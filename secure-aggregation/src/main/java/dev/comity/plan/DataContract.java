package dev.comity.plan;

import dev.comity.codec.CborWriter;
import java.util.HashSet;
import java.util.List;

/// What a study asks of every site's data: the names of the features in the order of the model's
/// inputs, the name of the label, and the number of its classes (2 for a binary model). A plan
/// names it by its digest; a site builds it from its own mapping and compares.
public record DataContract(List<String> features, String label, int classes) {
  private static final int MAX_NAME = 200;

  public DataContract {
    features = List.copyOf(features);
    if (features.isEmpty()) {
      throw new IllegalArgumentException("dataContract.features: must name at least one feature");
    }
    var seen = new HashSet<String>();
    for (int i = 0; i < features.size(); i++) {
      requireName("dataContract.features[" + i + "]", features.get(i));
      if (!seen.add(features.get(i))) {
        throw new IllegalArgumentException(
            "dataContract.features[%d] \"%s\": named twice".formatted(i, features.get(i)));
      }
    }
    requireName("dataContract.label", label);
    if (classes < 2) {
      throw new IllegalArgumentException("dataContract.classes must be >= 2, was " + classes);
    }
  }

  /// The contract of a model: its outputs decide the number of classes. Refuses another number of
  /// features than the model has inputs.
  public static DataContract of(List<String> features, String label, Architecture architecture) {
    if (features.size() != architecture.inputs()) {
      throw new IllegalArgumentException(
          "dataContract.features: names %d, %s takes %d"
              .formatted(features.size(), architecture, architecture.inputs()));
    }
    return new DataContract(features, label, architecture.binary() ? 2 : architecture.outputs());
  }

  /// The bytes that [#digest()] is of.
  public byte[] encode() {
    return CborWriter.map()
        .texts("features", features)
        .text("label", label)
        .integer("classes", classes)
        .toBytes();
  }

  /// SHA-256 of [#encode()].
  public Digest digest() {
    return Digest.of(encode());
  }

  private static void requireName(String field, String name) {
    if (name.isBlank() || name.length() > MAX_NAME) {
      throw new IllegalArgumentException(
          "%s: must be 1 to %d characters and not blank".formatted(field, MAX_NAME));
    }
  }
}
