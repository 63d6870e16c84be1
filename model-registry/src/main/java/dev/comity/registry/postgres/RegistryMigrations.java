package dev.comity.registry.postgres;

import javax.sql.DataSource;
import org.flywaydb.core.Flyway;

/// Makes and updates the schema `registry`. Its history is its own, so the registry's versions and
/// those of the application around it do not meet.
public final class RegistryMigrations {
  /// The schema that holds everything of the registry.
  public static final String SCHEMA = "registry";

  private static final String LOCATION = "classpath:db/registry";

  private RegistryMigrations() {}

  /// Applies what is missing; returns how many migrations that were.
  public static int apply(DataSource dataSource) {
    return Flyway.configure()
        .dataSource(dataSource)
        .schemas(SCHEMA)
        .defaultSchema(SCHEMA)
        .locations(LOCATION)
        .load()
        .migrate()
        .migrationsExecuted;
  }
}
