package dev.comity.plan;

import dev.comity.codec.Bytes;
import java.nio.ByteBuffer;
import java.util.UUID;

/// The identity of a run.
public record RunId(UUID value) {
  public static RunId random() {
    return new RunId(UUID.randomUUID());
  }

  /// The usual 36 characters.
  public static RunId parse(String text) {
    UUID value;
    try {
      value = UUID.fromString(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "run \"" + text + "\": must be a UUID of 36 characters", e);
    }
    if (!value.toString().equalsIgnoreCase(text)) {
      throw new IllegalArgumentException("run \"" + text + "\": must be a UUID of 36 characters");
    }
    return new RunId(value);
  }

  /// 16 bytes, most significant first.
  public Bytes bytes() {
    return Bytes.of(
        ByteBuffer.allocate(16)
            .putLong(value.getMostSignificantBits())
            .putLong(value.getLeastSignificantBits())
            .array());
  }

  /// The inverse of `bytes`.
  public static RunId ofBytes(Bytes bytes) {
    if (bytes.size() != 16) {
      throw new IllegalArgumentException("a run id is 16 bytes, found " + bytes.size());
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes.toByteArray());
    return new RunId(new UUID(buffer.getLong(), buffer.getLong()));
  }

  @Override
  public String toString() {
    return value.toString();
  }
}
