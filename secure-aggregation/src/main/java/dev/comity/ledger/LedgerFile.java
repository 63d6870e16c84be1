package dev.comity.ledger;

import dev.comity.plan.Digest;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The entries in one file, each as `length (4 bytes, big-endian) ‖ entry ‖ SHA-256 of the entry`.
///
/// A power cut while an entry is appended leaves a torn end: fewer bytes than the length says, or
/// zeros where bytes were not written yet. Such an entry was never relied upon. Any other fault is
/// damage.
final class LedgerFile {
  private static final int MOST_ENTRY_BYTES = 16 << 10;

  private final Storage storage;
  private final Path file;

  LedgerFile(Storage storage, Path file) {
    this.storage = storage;
    this.file = file;
  }

  /// What the file holds: whole entries and, when the end is torn, the bytes without it.
  record Content(List<byte[]> entries, byte[] whole, boolean torn) {}

  /// @throws DamagedLedgerException when an entry is damaged
  Content read() throws IOException {
    byte[] content = storage.read(file).orElseGet(() -> new byte[0]);
    List<byte[]> entries = new ArrayList<>();
    int at = 0;
    while (at < content.length) {
      long number = entries.size() + 1L;
      if (content.length - at < Integer.BYTES || zeros(content, at, content.length)) {
        return torn(entries, content, at);
      }
      int length = ByteBuffer.wrap(content, at, Integer.BYTES).getInt();
      if (length < 1 || length > MOST_ENTRY_BYTES) {
        throw new DamagedLedgerException(
            file,
            number,
            "says it has %d bytes; must be 1 to %d".formatted(length, MOST_ENTRY_BYTES));
      }
      int checksum = at + Integer.BYTES + length;
      int end = checksum + Digest.SIZE;
      if (end > content.length || (end == content.length && zeros(content, checksum, end))) {
        return torn(entries, content, at);
      }
      byte[] entry = Arrays.copyOfRange(content, at + Integer.BYTES, checksum);
      if (!Digest.of(entry).equals(Digest.ofValue(Arrays.copyOfRange(content, checksum, end)))) {
        throw new DamagedLedgerException(file, number, "was changed: its checksum does not match");
      }
      entries.add(entry);
      at = end;
    }
    return new Content(List.copyOf(entries), content, false);
  }

  private static Content torn(List<byte[]> entries, byte[] content, int whole) {
    return new Content(List.copyOf(entries), Arrays.copyOf(content, whole), true);
  }

  private static boolean zeros(byte[] content, int from, int to) {
    for (int i = from; i < to; i++) {
      if (content[i] != 0) {
        return false;
      }
    }
    return true;
  }

  /// Takes off a torn end.
  void mend(Content content) throws IOException {
    storage.write(file, content.whole());
  }

  /// On stable storage when this returns.
  void append(byte[] entry) throws IOException {
    storage.append(
        file,
        ByteBuffer.allocate(Integer.BYTES + entry.length + Digest.SIZE)
            .putInt(entry.length)
            .put(entry)
            .put(Digest.of(entry).bytes())
            .array());
  }
}
