package dev.comity.simulation;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.SiteVault;
import dev.comity.update.MaskedUpdate;
import java.util.Map;
import java.util.Optional;

/// Another vault, of which a subclass changes one thing.
class ForwardingVault implements SiteVault {
  private final SiteVault vault;

  ForwardingVault(SiteVault vault) {
    this.vault = vault;
  }

  @Override
  public void keep(Digest session, Item item, byte[] content) {
    vault.keep(session, item, content);
  }

  @Override
  public Optional<byte[]> kept(Digest session, Item item) {
    return vault.kept(session, item);
  }

  @Override
  public void keepInput(Digest session, MaskedUpdate input) {
    vault.keepInput(session, input);
  }

  @Override
  public boolean hasInput(Digest session) {
    return vault.hasInput(session);
  }

  @Override
  public Optional<MaskedUpdate> keptInput(Digest session) {
    return vault.keptInput(session);
  }

  @Override
  public void eraseSecrets(Digest session) {
    vault.eraseSecrets(session);
  }

  @Override
  public void lock(Digest terms, Digest session) {
    vault.lock(terms, session);
  }

  @Override
  public void unlock(Digest terms, Digest session) {
    vault.unlock(terms, session);
  }

  @Override
  public Map<Digest, Digest> locks() {
    return vault.locks();
  }

  @Override
  public void markSpent(Digest terms, Digest session) {
    vault.markSpent(terms, session);
  }

  @Override
  public boolean isSpent(Digest terms) {
    return vault.isSpent(terms);
  }

  @Override
  public long nextCounter() {
    return vault.nextCounter();
  }

  @Override
  public Map<SiteId, Long> lastSeenCounters() {
    return vault.lastSeenCounters();
  }

  @Override
  public void sawCounters(Map<SiteId, Long> counters) {
    vault.sawCounters(counters);
  }

  @Override
  public void close() {
    vault.close();
  }
}
