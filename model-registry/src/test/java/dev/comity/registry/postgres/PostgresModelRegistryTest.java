package dev.comity.registry.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.algorithm.ServerStep;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.ParameterLayout;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.registry.ArtifactRole;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.Lineage;
import dev.comity.registry.PublishedModel;
import dev.comity.registry.RefusedPublicationException;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

class PostgresModelRegistryTest {
  private static final Instant NOW = Instant.parse("2026-03-01T10:00:00.123456Z");
  private static final Architecture ARCHITECTURE =
      new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(2, 1));
  private static final FederationId FEDERATION = new FederationId("north");

  private static EmbeddedPostgres postgres;
  private static DataSource dataSource;

  @TempDir private Path folder;
  private ArtifactStore artifacts;
  private PostgresModelRegistry registry;
  private TransactionTemplate transaction;
  private RunId run;

  @BeforeAll
  static void start() throws IOException {
    postgres = EmbeddedPostgres.start();
    dataSource = postgres.getPostgresDatabase();
    assertThat(RegistryMigrations.apply(dataSource)).isPositive();
  }

  @AfterAll
  static void stop() throws IOException {
    postgres.close();
  }

  @BeforeEach
  void open() {
    artifacts = ArtifactStore.at(folder);
    registry = new PostgresModelRegistry(dataSource, artifacts, Clock.fixed(NOW, ZoneOffset.UTC));
    transaction = new TransactionTemplate(new JdbcTransactionManager(dataSource));
    run = new RunId(UUID.randomUUID());
  }

  @Test
  void migrationsAreAppliedOnce() {
    assertThat(RegistryMigrations.apply(dataSource)).isZero();
  }

  @Test
  void aPublishedVersionIsFoundByDigestWithItsExactBytes() {
    var document = PlanCodec.encode(initial());

    var published = publish(document);

    assertThat(published.digest()).isEqualTo(Digest.of(document));
    assertThat(registry.find(published.digest())).contains(published);
    assertThat(published.document().toByteArray()).isEqualTo(document);
    assertThat(published.version()).isEqualTo(initial());
    assertThat(published.publishedAt()).isEqualTo(NOW);
  }

  @Test
  void lineageWalksFromTheVersionToTheFirst() {
    var first = publish(PlanCodec.encode(initial()));
    var second = publish(PlanCodec.encode(successor(first, "a")));
    var third = publish(PlanCodec.encode(successor(second, "b")));

    var lineage = registry.lineage(third.digest());

    assertThat(lineage.model()).isEqualTo(third);
    assertThat(lineage.generations()).containsExactly(third, second, first);
    assertThat(lineage.generations().getFirst().version().origin().orElseThrow().participants())
        .containsExactly(new SiteId("east"), new SiteId("west"));
    assertThat(registry.versions(run)).containsExactly(first, second, third);
  }

  @Test
  void everyRoleNamesItsArtifact() {
    var first = publish(PlanCodec.encode(initial()));
    var second = successor(first, "a");

    assertThat(ArtifactRole.ofSlug("optimizer-state")).contains(ArtifactRole.OPTIMIZER_STATE);
    assertThat(ArtifactRole.ofSlug("Weights")).isEmpty();
    assertThat(ArtifactRole.SUM.in(first.version())).isEmpty();
    assertThat(artifacts.read(ArtifactRole.SUM.in(second).orElseThrow()))
        .isEqualTo("sum a".getBytes(StandardCharsets.UTF_8));
    assertThat(artifacts.read(ArtifactRole.LAYOUT.in(second).orElseThrow()))
        .isEqualTo(PlanCodec.encode(ParameterLayout.of(ARCHITECTURE)));
  }

  @Test
  void aRolledBackTransactionPublishesNothing() {
    var document = PlanCodec.encode(initial());

    transaction.executeWithoutResult(status -> {
      var published = registry.publish(Digest.of(document), document);
      assertThat(registry.find(published.digest())).isPresent();
      status.setRollbackOnly();
    });

    assertThat(registry.find(Digest.of(document))).isEmpty();
    assertThat(registry.versions(run)).isEmpty();
  }

  @Test
  void withoutATransactionNothingIsPublished() {
    var document = PlanCodec.encode(initial());

    assertThatThrownBy(() -> registry.publish(Digest.of(document), document))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("publish it inside a transaction");
  }

  @Test
  void publishingTheSameBytesAgainChangesNothing() {
    var first = publish(PlanCodec.encode(initial()));
    var later =
        new PostgresModelRegistry(
            dataSource, artifacts, Clock.fixed(NOW.plusSeconds(60), ZoneOffset.UTC));

    var again =
        transaction.execute(_ -> later.publish(first.digest(), first.document().toByteArray()));

    assertThat(again).isEqualTo(first);
    assertThat(registry.versions(run)).containsExactly(first);
  }

  @Test
  void twoTransactionsMayPublishTheSameBytesAtOnce() throws Exception {
    var document = PlanCodec.encode(initial());
    var digest = Digest.of(document);

    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var other =
          transaction.execute(_ -> {
            registry.publish(digest, document);
            return threads.submit(() -> publish(document));
          });

      assertThat(Objects.requireNonNull(other).get().digest()).isEqualTo(digest);
    }

    assertThat(registry.versions(run)).hasSize(1);
  }

  @Test
  void aDigestThatIsNotTheDocumentsIsRefused() {
    var document = PlanCodec.encode(initial());
    var wrong = Digest.of(new byte[] {1});

    assertRefused(wrong, document, "the document has digest " + Digest.of(document).hex());
  }

  @Test
  void bytesThatAreNoModelVersionAreRefused() {
    var garbage = "not a model".getBytes(StandardCharsets.UTF_8);

    assertRefused(Digest.of(garbage), garbage, "ModelVersion");
  }

  @Test
  void anUnknownParentIsRefused() {
    var document = PlanCodec.encode(initial());
    var unknown = PublishedModel.of(document, NOW);

    assertRefused(
        successor(unknown, "a"),
        "its parent %s is unknown; publish that first".formatted(unknown.digest().hex()));
  }

  @Test
  void aParentThatIsNotTheVersionBeforeIsRefused() {
    var first = publish(PlanCodec.encode(initial()));
    publish(PlanCodec.encode(successor(first, "a")));
    var next = successor(first, "b");

    assertRefused(
        new ModelVersion(
            next.federation(),
            next.run(),
            2,
            next.parent(),
            next.architecture(),
            next.weights(),
            next.optimizerState(),
            next.parameters(),
            next.origin()),
        "its parent is version 0; it must be version 1");
  }

  @Test
  void aParentOfAnotherRunIsRefused() {
    var first = publish(PlanCodec.encode(initial()));
    run = new RunId(UUID.randomUUID());

    assertRefused(successor(first, "a"), "its parent belongs to run");
  }

  @Test
  void anotherArchitectureThanTheParentsIsRefused() {
    var first = publish(PlanCodec.encode(initial()));
    var next = successor(first, "a");

    assertRefused(
        new ModelVersion(
            next.federation(),
            next.run(),
            next.version(),
            next.parent(),
            new Architecture(Architecture.LOGISTIC_REGRESSION, List.of(3, 1)),
            next.weights(),
            next.optimizerState(),
            next.parameters(),
            next.origin()),
        "architecture or layout differ from its parent's logistic-regression(2,1)");
  }

  @Test
  void anArtifactThatTheStoreLacksIsRefusedByRole() {
    var missing = Digest.of(new byte[] {42});
    var version =
        new ModelVersion(
            FEDERATION,
            run,
            0,
            Optional.empty(),
            ARCHITECTURE,
            artifact("weights"),
            missing,
            layout(),
            Optional.empty());

    assertRefused(
        version, "its optimizer-state %s is not in the artifact store".formatted(missing.hex()));
  }

  @Test
  void anotherDocumentForTheSameVersionIsRefused() {
    var first = publish(PlanCodec.encode(initial()));
    var second = publish(PlanCodec.encode(successor(first, "a")));

    assertRefused(
        successor(first, "b"),
        "the run already has %s as this version".formatted(second.digest().hex()));
  }

  @Test
  void theDatabaseItselfHoldsADocumentAgainstItsName() {
    var first = publish(PlanCodec.encode(initial()));

    assertThatThrownBy(() ->
            JdbcClient.create(dataSource)
                .sql("update registry.model_version set document = '\\x00' where digest = ?")
                .param(first.digest().bytes())
                .update())
        .isInstanceOf(DataIntegrityViolationException.class);
  }

  @Test
  void theLineageOfAnUnknownVersionIsAnError() {
    var unknown = Digest.of(new byte[] {7});

    assertThatThrownBy(() -> registry.lineage(unknown))
        .isInstanceOf(NoSuchElementException.class)
        .hasMessage("model version %s is not published".formatted(unknown.hex()));
  }

  @Test
  void aLineageWithAGapIsNoLineage() {
    var first = publish(PlanCodec.encode(initial()));
    var second = publish(PlanCodec.encode(successor(first, "a")));
    var third = publish(PlanCodec.encode(successor(second, "b")));

    assertThatThrownBy(() -> new Lineage(List.of(third, first)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("the parent of model version " + third.digest().hex());
    assertThatThrownBy(() -> new Lineage(List.of(third, second)))
        .hasMessageContaining("but none follows");
  }

  private PublishedModel publish(byte[] document) {
    return Objects.requireNonNull(
        transaction.execute(_ -> registry.publish(Digest.of(document), document)));
  }

  private void assertRefused(ModelVersion version, String says) {
    var document = PlanCodec.encode(version);
    assertRefused(Digest.of(document), document, says);
  }

  private void assertRefused(Digest digest, byte[] document, String says) {
    assertThatThrownBy(
            () -> transaction.executeWithoutResult(_ -> registry.publish(digest, document)))
        .isInstanceOf(RefusedPublicationException.class)
        .hasMessageContaining(says);
    assertThat(registry.find(digest)).isEmpty();
  }

  private ModelVersion initial() {
    return new ModelVersion(
        FEDERATION,
        run,
        0,
        Optional.empty(),
        ARCHITECTURE,
        artifact("weights"),
        artifact("state"),
        layout(),
        Optional.empty());
  }

  private ModelVersion successor(PublishedModel parent, String tag) {
    int version = parent.version().version() + 1;
    return new ModelVersion(
        FEDERATION,
        run,
        version,
        Optional.of(parent.digest()),
        ARCHITECTURE,
        artifact("weights " + tag),
        artifact("state " + tag),
        layout(),
        Optional.of(
            new ModelVersion.Origin(
                version,
                artifact("plan " + tag),
                artifact("sum " + tag),
                artifact("transcript " + tag),
                List.of(new SiteId("west"), new SiteId("east")),
                new ServerStep.Average(1))));
  }

  private Digest layout() {
    return artifacts.put(PlanCodec.encode(ParameterLayout.of(ARCHITECTURE)));
  }

  private Digest artifact(String content) {
    return artifacts.put(content.getBytes(StandardCharsets.UTF_8));
  }
}
