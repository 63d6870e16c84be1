package dev.comity.aggregator;

import static org.assertj.core.api.Assertions.assertThat;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;
import org.springframework.jdbc.core.simple.JdbcClient;

class EmbeddedDatabaseTest {

  @Test
  void flywayMigratesAnEmbeddedPostgres18() throws Exception {
    try (var postgres = EmbeddedPostgres.start()) {
      var dataSource = postgres.getPostgresDatabase();

      Flyway.configure().dataSource(dataSource).locations("classpath:db/embedded").load().migrate();

      var database = JdbcClient.create(dataSource);
      assertThat(database.sql("SHOW server_version").query(String.class).single())
          .startsWith("18.");
      assertThat(database.sql("SELECT count(*) FROM probe").query(Long.class).single()).isZero();
    }
  }

  @Test
  void nd4jComputesANormOnItsNativeBackend() {
    try (var vector = Nd4j.createFromArray(3f, 4f)) {
      assertThat(vector.norm2Number().doubleValue()).isEqualTo(5.0);
    }
  }
}
