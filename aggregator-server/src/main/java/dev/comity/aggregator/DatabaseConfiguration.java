package dev.comity.aggregator;

import com.zaxxer.hikari.HikariDataSource;
import dev.comity.federation.DataDirectory;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/// One database, chosen by the operator: never a throwaway one by default.
@Configuration(proxyBeanMethods = false)
class DatabaseConfiguration {
  private static final String CHOICE = "comity.database";
  private static final String URL = "spring.datasource.url";

  @Bean
  static BeanFactoryPostProcessor databaseChoice(Environment environment) {
    return _ -> check(environment.getProperty(CHOICE), environment.getProperty(URL));
  }

  private static void check(@Nullable String choice, @Nullable String url) {
    if (choice == null && url == null) {
      throw new RefusedStart(
          "No database is configured.",
          "Set "
              + URL
              + " (with username and password) to a PostgreSQL, or "
              + CHOICE
              + "=embedded for a demonstration.");
    }
    if (choice != null && url != null) {
      throw new RefusedStart(
          "Two databases are configured: " + CHOICE + " and " + URL + ".",
          "Remove one of the two.");
    }
  }

  @Bean(destroyMethod = "close")
  @ConditionalOnProperty(name = CHOICE, havingValue = "embedded")
  EmbeddedPostgres embeddedPostgres(DataDirectory directory) {
    return EmbeddedPostgres.start(directory.postgres());
  }

  @Bean(destroyMethod = "close")
  @ConditionalOnProperty(name = CHOICE, havingValue = "embedded")
  HikariDataSource dataSource(EmbeddedPostgres postgres) {
    var pool = new HikariDataSource();
    pool.setJdbcUrl(postgres.url());
    pool.setUsername(postgres.user());
    pool.setPassword(postgres.password());
    pool.setMaximumPoolSize(24);
    return pool;
  }
}
