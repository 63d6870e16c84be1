package dev.comity.session;

import dev.comity.plan.Digest;
import java.util.Set;

/// The site's own record of the privacy that its updates cost, as far as sessions drive it. One
/// update, one release, one charge.
///
/// An update is named by the digest of its terms and is reserved for before it is trained, which is
/// not a session's concern. Then:
///
/// ```
/// reserved ── charge ─► charged ── refund ─► reserved ── release ─► nothing
///     └────────────────────┴───────── release ─────────────────────►┘
/// ```
///
/// ### Security guarantees
///
/// Every change is on stable storage before the method returns, all of it or nothing, and is never
/// taken back but by a further entry. Each method may be repeated after a power cut: what was
/// entered once is not entered twice.
///
/// Implementations may be used from one thread at a time. Failures of the disk are
/// `UncheckedIOException`.
public interface PrivacyBook {
  /// The head of a book without entries.
  Digest EMPTY = Digest.of(new byte[0]);

  /// The book of a site whose plans carry no noise: nothing is ever entered.
  static PrivacyBook none() {
    return NoPrivacyBook.INSTANCE;
  }

  /// The digest of the newest entry, which names the one before. The site signs it in P1, so that a
  /// shortened book shows.
  Digest head();

  /// CHARGE, before the first byte of a masked vector of this update exists in `session`. A charge
  /// that stands already, from a session that was left before its masked vector, passes to
  /// `session` and is not made twice.
  ///
  /// Fails with `SessionRefusal` of reason `BUDGET` when nothing is reserved for the update or the
  /// budget does not hold it; then nothing was entered and nothing may be sent.
  void charge(Digest terms, Digest session);

  /// REFUND: the charge is a reservation again. `proof` is a verified certificate of `session`: an
  /// ABORT, or a COMMIT to survivors without this site. No effect unless the charge that stands is
  /// of `session`.
  void refund(Digest terms, Digest session, Certificate proof);

  /// RELEASE, once the update's round is over and the update is in no session and in no sum: takes
  /// back the reservation, and a charge of a session that was left before its masked vector. No
  /// effect when there is neither.
  void release(Digest terms);

  /// The updates with a reservation or a charge that stands, those in a sum included.
  Set<Digest> open();
}
