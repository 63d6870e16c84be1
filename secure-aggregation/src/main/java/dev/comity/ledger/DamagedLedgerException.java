package dev.comity.ledger;

import java.io.IOException;
import java.nio.file.Path;

/// A privacy ledger that does not hold together. Nothing may be trained or sent on its word.
public final class DamagedLedgerException extends IOException {
  private static final long serialVersionUID = 1L;

  DamagedLedgerException(Path file, long entry, String fault) {
    super(
        "privacy ledger %s, entry %d: %s; stop, keep the file, and enrol the site anew"
            .formatted(file, entry, fault));
  }

  DamagedLedgerException(Path file, long entry, String fault, Throwable cause) {
    super(
        "privacy ledger %s, entry %d: %s; stop, keep the file, and enrol the site anew"
            .formatted(file, entry, fault),
        cause);
  }
}
