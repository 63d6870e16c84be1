package dev.comity.session;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.storage.Storage;
import dev.comity.update.MaskedUpdate;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;

/// What a site must remember of its sessions, whatever happens to its power.
///
/// ### Security guarantees
///
/// Every method has its effect on stable storage before it returns, all of it or nothing. What was
/// kept once is never changed: another content under the same name is refused, since two different
/// vectors under one mask would reveal their difference. Seed and masked vector are erased once the
/// session's end is proven. A session with a tombstone never gets a masked input, and one with a
/// masked input never gets a tombstone. The seed is sealed under the site's secret.
///
/// Implementations may be used from one thread at a time. Failures of the disk are
/// `UncheckedIOException`.
public interface SiteVault extends AutoCloseable {

  /// What is kept of one session.
  enum Item {
    /// The descriptor's bytes: the session's identity and roster.
    DESCRIPTOR,
    /// The message keys of the roster.
    ROSTER_KEYS,
    /// 32 fresh bytes from which every secret of the session follows.
    SEED,
    /// The exact P1 message.
    ADVERTISEMENT,
    /// The advertisements of U1 that this site dealt its shares to; H1 follows from them.
    KEYS_SHOWN,
    /// The exact P2 message with all ciphertexts.
    SHARES,
    /// U2 and what its sites dealt to this one, as masked over; H2 follows from it.
    SHARES_SHOWN,
    /// The exact P3 header.
    HEADER,
    /// The exact COMMIT vote: at most one, ever.
    COMMIT,
    /// The exact ABORT vote: after it no COMMIT and no P5 answer.
    ABORT,
    /// The exact RELEASE: after it no ABORT.
    RELEASE,
    /// The exact P5 answer.
    ANSWER,
    /// Proof of how the session ended.
    CERTIFICATE,
    /// The site left before its masked input existed; never one here.
    TOMBSTONE
  }

  /// The files of one site under `directory`, which is made when absent, locked against a second
  /// agent and readable by its owner alone. `siteSecret`: 32 bytes that seal the seeds; copied.
  static SiteVault inDirectory(Path directory, byte[] siteSecret) throws IOException {
    return in(Storage.ofFiles(), directory, siteSecret, new SecureRandom());
  }

  /// As `inDirectory`, on any storage. `random` makes the nonces of the seals.
  static SiteVault in(Storage storage, Path directory, byte[] siteSecret, SecureRandom random)
      throws IOException {
    return FileSiteVault.open(storage, directory, siteSecret, random);
  }

  /// Keeps `content`. Again with equal content: no effect. With another content:
  /// IllegalStateException.
  void keep(Digest session, Item item, byte[] content);

  Optional<byte[]> kept(Digest session, Item item);

  /// As `keep`, for the masked vector.
  void keepInput(Digest session, MaskedUpdate input);

  /// Whether a masked vector was ever kept, also when it was erased since.
  boolean hasInput(Digest session);

  /// Empty also when it was erased.
  Optional<MaskedUpdate> keptInput(Digest session);

  /// Erases the seed and the masked vector of a session whose end is proven: nothing can ask for
  /// them any more. That there was a masked vector stays known. Again: no effect. Without a
  /// certificate: IllegalStateException.
  void eraseSecrets(Digest session);

  /// Binds the update of `terms` to `session` until `unlock`. Another session's lock:
  /// IllegalStateException.
  void lock(Digest terms, Digest session);

  void unlock(Digest terms, Digest session);

  /// Terms digest to session.
  Map<Digest, Digest> locks();

  /// The sessions in which an input over `terms` was certified or is still possible are remembered
  /// for ever.
  void markSpent(Digest terms, Digest session);

  boolean isSpent(Digest terms);

  /// Grows by one, for ever: 1 at first.
  long nextCounter();

  /// The counters last seen of other sites.
  Map<SiteId, Long> lastSeenCounters();

  void sawCounters(Map<SiteId, Long> counters);

  @Override
  void close();
}
