package dev.comity.audit;

import dev.comity.plan.SiteId;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// The signed heads of the audit log and what the sites say to them. There is one head a size.
public interface AuditHeads {

  /// A head and what it says.
  record Head(TreeHead head, SignedHead signed) {}

  /// A countersignature and when it came.
  record Received(Countersignature countersignature, Instant at) {}

  /// What became of a countersignature.
  sealed interface Outcome {
    record Stored() implements Outcome {}

    /// The code is stable; the detail is for a person.
    record Refused(String code, String detail) implements Outcome {}
  }

  /// The head over all leaves, signed now if the log has grown since the last one.
  Head newest();

  /// The head over the first `size` leaves, if one was signed.
  Optional<Head> of(long size);

  /// Sorted by site.
  List<Received> countersignatures(long size);

  /// The sizes of the heads that somebody countersigned, ascending: of each site its last.
  List<Long> lastCountersigned();

  /// Whether `site` has countersigned the head of this size.
  boolean countersigned(SiteId site, long size);

  /// Takes a countersignature of the head of `size`, if it verifies under the site's key in the
  /// newest membership.
  Outcome countersign(long size, Countersignature countersignature);
}
