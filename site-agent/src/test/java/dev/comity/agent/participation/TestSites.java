package dev.comity.agent.participation;

import dev.comity.agent.link.HttpProxy;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Clock;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;

/// Sites with data that a line separates, the same in every test.
final class TestSites {
  /// The part of a policy that permits every study.
  static final String ANY_STUDY =
      "studies: [{study: any, purposes: any, columns: any, approval: none}]\n";

  private TestSites() {}

  /// Writes data, mapping and site secret, and joins.
  static void join(TestAggregator aggregator, SiteDirectory home, SiteId site) throws Exception {
    prepare(home, site);
    new Join(Clock.systemUTC())
        .join(home, aggregator.enrolments.invite(site.value()), Optional.empty(), 0);
  }

  /// As the other `join`, at an address that only the proxy can resolve.
  static void join(TestAggregator aggregator, SiteDirectory home, SiteId site, HttpProxy proxy)
      throws Exception {
    prepare(home, site);
    new Join(Clock.systemUTC())
        .join(
            home,
            aggregator.enrolments.inviteBehindProxy(site.value()),
            Optional.empty(),
            0,
            Optional.of(proxy));
  }

  private static void prepare(SiteDirectory home, SiteId site) throws Exception {
    Files.createDirectories(home.keys());
    var random = new Random(site.value().hashCode());
    var csv = new StringBuilder("a,b,y\n");
    for (int row = 0; row < 80; row++) {
      double a = random.nextGaussian();
      double b = random.nextGaussian();
      csv.append(String.format(Locale.ROOT, "%.6f,%.6f,%d%n", a, b, a - b > 0 ? 1 : 0));
    }
    Files.writeString(home.path().resolve("data.csv"), csv);
    Files.writeString(
        home.path().resolve("mapping.yaml"),
        """
        source: {files: [data.csv], header: true}
        features:
          - numeric: a
          - numeric: b
        label: {name: y, column: y, positiveAbove: 0}
        split: {fraction: {test: 0.25, seed: 7}}
        """);
    Files.write(
        home.keys().resolve("site.secret"),
        Digest.of(site.value().getBytes(StandardCharsets.US_ASCII)).bytes());
  }
}
