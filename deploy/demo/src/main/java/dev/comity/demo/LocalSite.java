package dev.comity.demo;

import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.Rows;
import dev.comity.agent.training.Examples;
import dev.comity.agent.training.PauseGate;
import dev.comity.agent.training.PytorchTrainer;
import dev.comity.agent.training.Trainer;
import dev.comity.agent.training.TrainingOutcome;
import dev.comity.agent.training.TrainingRequest;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SiteSession;
import dev.comity.session.SiteVault;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.RoundingKey;
import dev.comity.update.TrainingKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;

/// A site of one run: its data, its trainer, its keys, and its vault on disk. Confined to one
/// thread.
final class LocalSite implements AutoCloseable {
  private final SiteId id;
  private final Trainer trainer;
  private final MessageKey key;
  private final byte[] secret;
  private final SiteVault vault;
  private final SecureRandom random;

  LocalSite(SiteId id, LocalDataset data, ReplayableSecrets secrets, Path folder, Clock clock)
      throws IOException {
    Files.createDirectories(folder);
    this.id = id;
    this.trainer = trainer(data.train(), data.test(), folder, clock);
    this.key = secrets.messageKey(id.value(), folder);
    this.secret = secrets.bytes(id + " secret");
    this.vault = SiteVault.inDirectory(folder.resolve("vault"), secret);
    this.random = secrets.generator(id + " sessions");
  }

  static Trainer trainer(Rows train, Rows test, Path folder, Clock clock) {
    return new PytorchTrainer(
        examples(train), examples(test), folder.resolve("checkpoints"), Duration.ofHours(1), clock);
  }

  SiteId id() {
    return id;
  }

  MessageKey key() {
    return key;
  }

  /// Trains, or evaluates, as `terms` say.
  TrainingOutcome work(UpdateTerms terms, float[] base) throws InterruptedException {
    var outcome =
        trainer.train(
            new TrainingRequest(terms, id, base, TrainingKey.derive(secret, terms, base)),
            _ -> {},
            PauseGate.alwaysOpen());
    trainer.discard(terms.digest());
    return outcome;
  }

  /// The update as this site keeps it until a session sums it.
  NoisedUpdate protect(UpdateTerms terms, float[] base, TrainingOutcome outcome) {
    return outcome
        .update()
        .clip(terms.clipNorm())
        .encode(
            terms.vector(),
            RoundingKey.derive(secret, terms.run(), terms.kind(), terms.baseVersion(), base))
        .noise(terms.noise());
  }

  SiteSession.Site inSession(MembershipEpoch membership, int nC, int minHonest, Clock clock) {
    return new SiteSession.Site(
        id,
        key,
        MaskedSession.FEDERATION_EPOCH,
        membership,
        vault,
        PrivacyBook.none(),
        nC,
        minHonest,
        clock,
        random);
  }

  @Override
  public void close() {
    vault.close();
  }

  private static Examples examples(Rows rows) {
    return new Examples(rows.width(), rows.features(), rows.labels());
  }
}
