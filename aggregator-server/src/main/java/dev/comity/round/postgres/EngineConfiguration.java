package dev.comity.round.postgres;

import java.nio.file.Path;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@Configuration(proxyBeanMethods = false)
class EngineConfiguration {

  @Bean
  Spool spool(@Value("${comity.data-dir:comity-data}") Path dataDirectory) {
    return new Spool(dataDirectory.resolve("spool"));
  }
}
