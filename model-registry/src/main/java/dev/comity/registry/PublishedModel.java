package dev.comity.registry;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.PlanCodec;
import java.time.Instant;
import java.util.Objects;

/// A model version as it was published: `document` are its exact bytes, `digest` is theirs.
public record PublishedModel(
    Digest digest, ModelVersion version, Bytes document, Instant publishedAt) {
  public PublishedModel {
    Objects.requireNonNull(version);
    Objects.requireNonNull(publishedAt);
    var found = Digest.of(document.toByteArray());
    if (!found.equals(digest)) {
      throw new IllegalArgumentException(
          "model version %s: its document has digest %s".formatted(digest.hex(), found.hex()));
    }
  }

  /// Reads a document; `dev.comity.codec.MalformedException` if it is none.
  public static PublishedModel of(byte[] document, Instant publishedAt) {
    return new PublishedModel(
        Digest.of(document),
        PlanCodec.decodeModelVersion(document),
        Bytes.of(document),
        publishedAt);
  }
}
