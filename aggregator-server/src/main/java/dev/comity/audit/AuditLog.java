package dev.comity.audit;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.ConsistencyProof;
import dev.comity.transparency.InclusionProof;
import java.util.List;
import java.util.Optional;

/// The append-only log of what the federation may later be held to: membership epochs, ended
/// sessions, committed rounds, ended runs. Sizes and indices that the log does not have are
/// `IllegalArgumentException`.
public interface AuditLog {

  /// Writes `entry` as the next leaf in the caller's transaction, which writes the event itself.
  /// Leaves are visible in their order and without a gap. Fails with `IllegalStateException`
  /// without a transaction.
  void append(AuditEntry entry);

  /// How many leaves there are.
  long size();

  /// The root over the first `size` leaves.
  Digest root(long size);

  /// At most `limit` leaves from `index` on.
  List<AuditLeaf> leaves(long index, int limit);

  /// The leaf with this leaf hash.
  Optional<AuditLeaf> leaf(Digest digest);

  /// The leaf whose entry has this kind and subject.
  Optional<AuditLeaf> leaf(String kind, Digest subject);

  /// Every leaf of a run, in order.
  List<AuditLeaf> leaves(RunId run);

  /// That leaf `index` is under the root of `size` leaves.
  InclusionProof inclusion(long index, long size);

  /// That the log of `to` leaves continues the log of `from` leaves.
  ConsistencyProof consistency(long from, long to);
}
