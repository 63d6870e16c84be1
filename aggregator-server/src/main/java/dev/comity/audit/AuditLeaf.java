package dev.comity.audit;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.MerkleLog;
import java.time.Instant;

/// One leaf of the audit log: the exact bytes of its entry and when it was written.
public record AuditLeaf(long index, Bytes entry, Instant at) {

  /// SHA-256(0x00 ‖ entry).
  public Digest digest() {
    return MerkleLog.leafHash(entry.toByteArray());
  }

  public AuditEntry decoded() {
    return AuditEntry.decode(entry.toByteArray());
  }
}
