package dev.comity.round.engine;

import dev.comity.formats.BuiltInModel;
import dev.comity.formats.SafetensorsFile;
import dev.comity.formats.WeightsFile;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.run.RunSubmission;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/// One aggregator over a database of its own, and its sites.
final class TestWorld implements AutoCloseable {

  private final String name = "aggregator-" + UUID.randomUUID();
  private final Path directory;
  private final DataSource database;
  private final TestFederation federation;
  private final List<TestSite> sites = new ArrayList<>();
  private TestAggregator aggregator;

  TestWorld(EmbeddedPostgres postgres, Path directory, int sites) throws IOException {
    this.directory = directory.resolve(name);
    var schema = "t" + UUID.randomUUID().toString().replace("-", "");
    JdbcClient.create(postgres.getPostgresDatabase()).sql("create database " + schema).update();
    database = postgres.getDatabase("postgres", schema);
    federation = new TestFederation(database, sites);
    aggregator = aggregator();
  }

  private TestAggregator aggregator() throws IOException {
    return new TestAggregator(name, database, directory.resolve("aggregator"), federation);
  }

  TestFederation federation() {
    return federation;
  }

  TestAggregator running() {
    return aggregator;
  }

  /// The aggregator dies, and another one takes over its database and its files.
  void killAggregator() throws IOException {
    aggregator.close();
    aggregator = aggregator();
  }

  /// The aggregator dies, and comes back after every live deadline in its database has passed.
  void killAggregatorForLong() throws IOException {
    aggregator.close();
    var past = "now() - interval '1 minute'";
    var sql = JdbcClient.create(database);
    sql.sql("update aggregation_session set deadline = " + past + " where deadline is not null")
        .update();
    sql.sql("update round set silence_deadline = " + past + " where silence_deadline is not null")
        .update();
    aggregator = aggregator();
  }

  /// Where masked vectors wait for their sum.
  Path spool() {
    return directory.resolve("aggregator").resolve("spool");
  }

  /// How many artifact files there are.
  long artifacts() throws IOException {
    try (var files = Files.walk(directory.resolve("aggregator").resolve("artifacts"))) {
      return files.filter(Files::isRegularFile).count();
    }
  }

  SiteId id(int index) {
    return federation.sites().get(index);
  }

  /// A site that has not been started.
  TestSite site(int index) throws IOException {
    var site = new TestSite(name, id(index), directory.resolve("sites"), federation);
    sites.add(site);
    return site;
  }

  /// A site that was started.
  TestSite again(int index) {
    return sites.get(index);
  }

  TestWorld startSites(int from, int to) throws IOException {
    for (var index = from; index < to; index++) {
      site(index).start();
    }
    return this;
  }

  RunId submit(RunSubmission submission) {
    aggregator.runs().submit(submission, "ada");
    return submission.id();
  }

  String runState(RunId run) {
    return text("select state from run where id = ?", run.value()).getFirst();
  }

  /// Phases of the sites in a round, in the order of their names.
  List<String> phases(RunId run, int round) {
    return text(
        """
        select round_site.phase from round_site join round on round.id = round_id
        where run_id = ? and number = ? order by site_id
        """,
        run.value(),
        round);
  }

  List<String> text(String query, Object... parameters) {
    return aggregator.sql().sql(query).params(parameters).query(String.class).list();
  }

  List<Digest> weights(RunId run) {
    return aggregator.models().versions(run).stream()
        .map(model -> model.version().weights())
        .toList();
  }

  /// The weights of every version, as bits.
  List<List<Integer>> tensors(RunId run) {
    return weights(run).stream()
        .map(weights -> {
          var values = values(weights);
          return IntStream.range(0, values.length)
              .mapToObj(index -> Float.floatToRawIntBits(values[index]))
              .toList();
        })
        .toList();
  }

  float[] values(Digest weights) {
    var model = BuiltInModel.of(TestFederation.MODEL.family(), TestFederation.MODEL.widths());
    return WeightsFile.decode(
        model.tensors(), SafetensorsFile.of(aggregator.artifacts().read(weights)));
  }

  @Override
  public void close() {
    sites.forEach(TestSite::close);
    aggregator.close();
  }
}
