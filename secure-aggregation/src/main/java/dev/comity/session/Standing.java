package dev.comity.session;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Optional;

/// Whether a stored update may still be summed: one update, one release.
public enum Standing {
  /// Locked to a session in which no masked vector of it exists yet.
  UNSENT,
  /// A masked vector of it exists, and no proof yet of what became of it: it stays out of other
  /// sessions.
  IN_DOUBT,
  /// It is in a certified sum, or its shares were revealed for one. Never again.
  SPENT,
  /// No session holds it.
  FREE;

  /// Of the update with these terms.
  public static Standing of(SiteVault vault, Digest terms) {
    if (vault.isSpent(terms)) {
      return SPENT;
    }
    Optional<Digest> session = Optional.ofNullable(vault.locks().get(terms));
    return session.map(held -> vault.hasInput(held) ? IN_DOUBT : UNSENT).orElse(FREE);
  }

  /// Settles the update that `session` holds by a certificate of that session: FREE with an ABORT
  /// certificate or with a COMMIT certificate that leaves this site out, whose self mask can then
  /// never be revealed, and its charge is refunded first; otherwise SPENT. Afterwards the session
  /// asks nothing more of this site, and its seed and masked vector are erased. Again, or for an
  /// update settled before: no effect.
  ///
  /// Fails with `SessionRefusal` when the certificate is not of this session or does not verify.
  public static Standing settle(
      SiteVault vault, PrivacyBook book, Digest session, byte[] certificate) {
    KeptSession kept = KeptSession.of(vault, session);
    Certificate proof = Certificate.decode(certificate);
    Votes.verify(proof, kept.roster());
    return settle(vault, book, kept, proof);
  }

  /// Releases what is reserved for an update whose round is over, once it is FREE: no session holds
  /// it and no sum has it. Otherwise no effect: call again when its session has ended.
  public static Standing release(SiteVault vault, PrivacyBook book, Digest terms) {
    Standing standing = of(vault, terms);
    if (standing == FREE) {
      book.release(terms);
    }
    return standing;
  }

  static Standing settle(SiteVault vault, PrivacyBook book, KeptSession kept, Certificate proof) {
    Digest session = kept.roster().session();
    Digest terms = kept.roster().descriptor().terms();
    SiteId self = kept.self();
    boolean released =
        switch (proof) {
          case Certificate.Abort _ -> false;
          case Certificate.Commit commit ->
              commit.survivors(kept.roster().descriptor()).contains(self);
        };
    Optional<byte[]> before = vault.kept(session, SiteVault.Item.CERTIFICATE);
    if (before.isEmpty()) {
      vault.keep(session, SiteVault.Item.CERTIFICATE, proof.encode());
    }
    if (released) {
      vault.markSpent(terms, session);
    } else {
      book.refund(terms, session, proof);
    }
    vault.eraseSecrets(session);
    vault.unlock(terms, session);
    return of(vault, terms);
  }
}
