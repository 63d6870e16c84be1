package dev.comity.aggregator;

import dev.comity.federation.DataDirectory;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.ModelRegistry;
import dev.comity.registry.postgres.PostgresModelRegistry;
import dev.comity.registry.postgres.RegistryMigrations;
import java.time.Clock;
import javax.sql.DataSource;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// The model registry, in this process and this database, in a schema of its own.
@Configuration(proxyBeanMethods = false)
class RegistryConfiguration {

  @Bean
  ArtifactStore artifactStore(DataDirectory directory) {
    return ArtifactStore.at(directory.artifacts());
  }

  @Bean
  ModelRegistry modelRegistry(DataSource database, ArtifactStore artifacts, Clock clock) {
    RegistryMigrations.apply(database);
    return new PostgresModelRegistry(database, artifacts, clock);
  }
}
