package dev.comity.registry.postgres;

import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.RunId;
import dev.comity.registry.ArtifactRole;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.Lineage;
import dev.comity.registry.MissingArtifactException;
import dev.comity.registry.ModelRegistry;
import dev.comity.registry.PublishedModel;
import dev.comity.registry.RefusedPublicationException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Clock;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/// The registry in PostgreSQL's schema `registry`, which [RegistryMigrations] makes. Works on the
/// connection of the caller's Spring transaction. Any number of threads.
public final class PostgresModelRegistry implements ModelRegistry {
  private final JdbcClient jdbc;
  private final ArtifactStore artifacts;
  private final Clock clock;

  public PostgresModelRegistry(DataSource dataSource, ArtifactStore artifacts, Clock clock) {
    this.jdbc = JdbcClient.create(dataSource);
    this.artifacts = artifacts;
    this.clock = clock;
  }

  @Override
  public PublishedModel publish(Digest digest, byte[] document) {
    if (!TransactionSynchronizationManager.isActualTransactionActive()) {
      throw new IllegalStateException(
          "model version " + digest.hex() + ": publish it inside a transaction");
    }
    var model = checked(digest, document);
    requireParent(model);
    for (var role : ArtifactRole.values()) {
      role.in(model.version()).ifPresent(artifact -> record(model, role, artifact));
    }
    return insert(model) ? model : published(model);
  }

  private PublishedModel checked(Digest digest, byte[] document) {
    var found = Digest.of(document);
    if (!found.equals(digest)) {
      throw new RefusedPublicationException(
          "model version %s: the document has digest %s".formatted(digest.hex(), found.hex()));
    }
    try {
      return PublishedModel.of(document, clock.instant().truncatedTo(ChronoUnit.MICROS));
    } catch (MalformedException e) {
      throw new RefusedPublicationException(
          "model version %s: %s".formatted(digest.hex(), e.getMessage()), e);
    }
  }

  private void requireParent(PublishedModel model) {
    model
        .version()
        .parent()
        .ifPresent(digest -> {
          var parent =
              find(digest)
                  .orElseThrow(() ->
                      refused(
                          model,
                          "its parent %s is unknown; publish that first".formatted(digest.hex())));
          requireSuccession(model, parent.version());
        });
  }

  private static void requireSuccession(PublishedModel model, ModelVersion parent) {
    var child = model.version();
    if (!parent.federation().equals(child.federation()) || !parent.run().equals(child.run())) {
      throw refused(
          model, "its parent belongs to run %s of another lineage".formatted(parent.run()));
    }
    if (parent.version() + 1 != child.version()) {
      throw refused(
          model,
          "its parent is version %d; it must be version %d"
              .formatted(parent.version(), child.version() - 1));
    }
    if (!parent.architecture().equals(child.architecture())
        || !parent.parameters().equals(child.parameters())) {
      throw refused(
          model,
          "architecture or layout differ from its parent's %s".formatted(parent.architecture()));
    }
  }

  private void record(PublishedModel model, ArtifactRole role, Digest artifact) {
    long bytes;
    try {
      bytes = artifacts.size(artifact);
    } catch (MissingArtifactException e) {
      throw new RefusedPublicationException(
          "%s: its %s %s is not in the artifact store; put it there first"
              .formatted(title(model), role.slug(), artifact.hex()),
          e);
    }
    jdbc.sql(
            """
            insert into registry.artifact (digest, bytes, recorded_at)
            values (:digest, :bytes, :recordedAt)
            on conflict do nothing
            """)
        .param("digest", artifact.bytes())
        .param("bytes", bytes)
        .param("recordedAt", timestamp(model.publishedAt()))
        .update();
  }

  private boolean insert(PublishedModel model) {
    var version = model.version();
    return jdbc.sql(
                """
                insert into registry.model_version (digest, federation_id, run_id, version, parent, weights,
                  optimizer_state, layout, plan, sum, transcript, document, published_at)
                values (:digest, :federation, :run, :version, :parent, :weights,
                  :optimizerState, :layout, :plan, :sum, :transcript, :document, :publishedAt)
                on conflict do nothing
                """)
            .param("digest", model.digest().bytes())
            .param("federation", version.federation().value())
            .param("run", version.run().value())
            .param("version", version.version())
            .param("parent", bytes(version.parent()), Types.BINARY)
            .param("weights", bytes(ArtifactRole.WEIGHTS.in(version)), Types.BINARY)
            .param("optimizerState", bytes(ArtifactRole.OPTIMIZER_STATE.in(version)), Types.BINARY)
            .param("layout", bytes(ArtifactRole.LAYOUT.in(version)), Types.BINARY)
            .param("plan", bytes(ArtifactRole.PLAN.in(version)), Types.BINARY)
            .param("sum", bytes(ArtifactRole.SUM.in(version)), Types.BINARY)
            .param("transcript", bytes(ArtifactRole.TRANSCRIPT.in(version)), Types.BINARY)
            .param("document", model.document().toByteArray())
            .param("publishedAt", timestamp(model.publishedAt()))
            .update()
        == 1;
  }

  /// What stands where `model` could not be inserted: the same document, or a refusal.
  private PublishedModel published(PublishedModel model) {
    return find(model.digest())
        .orElseThrow(() -> {
          var other = versions(model.version().run()).get(model.version().version()).digest().hex();
          return refused(model, "the run already has %s as this version".formatted(other));
        });
  }

  @Override
  public Optional<PublishedModel> find(Digest digest) {
    return jdbc.sql(
            "select document, published_at from registry.model_version where digest = :digest")
        .param("digest", digest.bytes())
        .query(PostgresModelRegistry::model)
        .optional();
  }

  @Override
  public List<PublishedModel> versions(RunId run) {
    return jdbc.sql(
            """
            select document, published_at from registry.model_version
            where run_id = :run
            order by version
            """)
        .param("run", run.value())
        .query(PostgresModelRegistry::model)
        .list();
  }

  @Override
  public Lineage lineage(Digest digest) {
    var generations =
        jdbc.sql(
                """
                with recursive ancestry as (
                  select parent, document, published_at, 0 as generation
                  from registry.model_version
                  where digest = :digest
                  union all
                  select v.parent, v.document, v.published_at, a.generation + 1
                  from registry.model_version v join ancestry a on v.digest = a.parent
                )
                select document, published_at from ancestry order by generation
                """)
            .param("digest", digest.bytes())
            .query(PostgresModelRegistry::model)
            .list();
    if (generations.isEmpty()) {
      throw new NoSuchElementException("model version " + digest.hex() + " is not published");
    }
    return new Lineage(generations);
  }

  private static PublishedModel model(ResultSet row, int number) throws SQLException {
    return PublishedModel.of(
        row.getBytes("document"), row.getObject("published_at", OffsetDateTime.class).toInstant());
  }

  private static RefusedPublicationException refused(PublishedModel model, String why) {
    return new RefusedPublicationException(title(model) + ": " + why);
  }

  private static String title(PublishedModel model) {
    return "model version %s (version %d of run %s)"
        .formatted(model.digest().hex(), model.version().version(), model.version().run());
  }

  private static byte @Nullable [] bytes(Optional<Digest> digest) {
    return digest.map(Digest::bytes).orElse(null);
  }

  private static OffsetDateTime timestamp(Instant instant) {
    return instant.atOffset(ZoneOffset.UTC);
  }
}
