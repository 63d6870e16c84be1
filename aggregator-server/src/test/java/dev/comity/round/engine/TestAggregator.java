package dev.comity.round.engine;

import com.zaxxer.hikari.HikariDataSource;
import dev.comity.audit.Journal;
import dev.comity.audit.JournalEntry;
import dev.comity.audit.Signals;
import dev.comity.plan.FederationId;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.ModelRegistry;
import dev.comity.registry.postgres.PostgresModelRegistry;
import dev.comity.round.FederationAuthority;
import dev.comity.round.grpc.CallerSite;
import dev.comity.round.grpc.CertificateRenewal;
import dev.comity.run.RunReports;
import dev.comity.run.Runs;
import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import javax.sql.DataSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.json.JsonMapper;

/// The engine, the sites' desk and the real service over one database and one data directory.
/// Closing it at any moment is the death of the aggregator; another one over the same state goes
/// on.
final class TestAggregator implements AutoCloseable {

  static final Metadata.Key<String> SITE =
      Metadata.Key.of("test-site", Metadata.ASCII_STRING_MARSHALLER);

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final AnnotationConfigApplicationContext context =
      new AnnotationConfigApplicationContext();
  private final HikariDataSource pool = new HikariDataSource();
  private final ExecutorService handlers = Executors.newVirtualThreadPerTaskExecutor();
  private final TestFederation federation;
  private final Server server;

  TestAggregator(String name, DataSource database, Path directory, TestFederation federation)
      throws IOException {
    this.federation = federation;
    pool.setDataSource(database);
    pool.setMaximumPoolSize(12);
    var artifacts = ArtifactStore.at(directory.resolve("artifacts"));
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource("test", Map.of("comity.data-dir", directory.toString())));
    context.registerBean(DataSource.class, () -> pool);
    context.registerBean(JdbcClient.class, () -> JdbcClient.create(pool));
    context.registerBean(PlatformTransactionManager.class, () -> new JdbcTransactionManager(pool));
    context.registerBean(
        TransactionTemplate.class, () -> new TransactionTemplate(new JdbcTransactionManager(pool)));
    context.registerBean(Clock.class, Clock::systemUTC);
    context.registerBean(JsonMapper.class, JsonMapper::shared);
    context.registerBean(FederationId.class, federation::federation);
    context.registerBean(FederationAuthority.class, () -> federation);
    context.registerBean(ArtifactStore.class, () -> artifacts);
    context.registerBean(
        ModelRegistry.class, () -> new PostgresModelRegistry(pool, artifacts, Clock.systemUTC()));
    context.registerBean(
        CertificateRenewal.class,
        () -> (_, _) -> new CertificateRenewal.Outcome.Refused("renewal.none", "not in this test"));
    context.scan(
        "dev.comity.audit.postgres",
        "dev.comity.round.grpc",
        "dev.comity.round.postgres",
        "dev.comity.run.postgres");
    context.refresh();
    server =
        InProcessServerBuilder.forName(name)
            .executor(handlers)
            .intercept(new CallerOfHeader())
            .addService(context.getBean(BindableService.class))
            .build()
            .start();
    federation.open();
  }

  /// Stands in for the certificate check.
  private static final class CallerOfHeader implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      var name = headers.get(SITE);
      return name == null
          ? next.startCall(call, headers)
          : Contexts.interceptCall(
              Context.current().withValue(CallerSite.KEY, new SiteId(name)), call, headers, next);
    }
  }

  <T> T bean(Class<T> type) {
    return context.getBean(type);
  }

  Runs runs() {
    return context.getBean(Runs.class);
  }

  RunReports reports() {
    return context.getBean(RunReports.class);
  }

  Journal journal() {
    return context.getBean(Journal.class);
  }

  ModelRegistry models() {
    return context.getBean(ModelRegistry.class);
  }

  ArtifactStore artifacts() {
    return context.getBean(ArtifactStore.class);
  }

  Signals signals() {
    return context.getBean(Signals.class);
  }

  JdbcClient sql() {
    return context.getBean(JdbcClient.class);
  }

  /// The first line of the run's journal that fits, waiting for it.
  JournalEntry await(RunId run, Predicate<JournalEntry> wanted) throws InterruptedException {
    var seen = new ArrayList<String>();
    long revision = 0;
    while (true) {
      var entries = journal().follow(run, revision, 100, PATIENCE);
      if (entries.isEmpty()) {
        throw new AssertionError("the journal went silent after " + seen);
      }
      for (var entry : entries) {
        if (wanted.test(entry)) {
          return entry;
        }
        seen.add(entry.sentence());
        revision = entry.revision();
      }
    }
  }

  JournalEntry awaitEnd(RunId run) throws InterruptedException {
    return await(run, entry -> entry.event().equals("run.ended"));
  }

  List<String> sentences(RunId run) {
    return journal().after(run, 0, 10_000).stream().map(JournalEntry::sentence).toList();
  }

  @Override
  public void close() {
    federation.shut();
    server.shutdownNow();
    handlers.shutdownNow();
    context.close();
    pool.close();
  }
}
