package dev.comity.aggregator;

import dev.comity.federation.CertificateAuthority;
import dev.comity.federation.ConsortiumKey;
import dev.comity.federation.DataDirectory;
import dev.comity.federation.Enrolments;
import dev.comity.federation.FederationStore;
import dev.comity.federation.Memberships;
import dev.comity.federation.ServerCertificate;
import dev.comity.membership.MessageKey;
import dev.comity.plan.FederationId;
import java.nio.file.Files;
import java.time.Clock;
import java.util.concurrent.Executors;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerExecutorProvider;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/// Who this aggregator is: made at its first start, read from its data directory ever after.
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(ComityProperties.class)
class FederationConfiguration {

  @Bean
  @ConditionalOnMissingBean
  Clock clock() {
    return Clock.systemUTC();
  }

  @Bean
  FederationId federationId(ComityProperties properties) {
    return new FederationId(properties.federation());
  }

  @Bean
  DataDirectory dataDirectory(ComityProperties properties) {
    return new DataDirectory(properties.dataDir());
  }

  @Bean
  ConsortiumKey consortiumKey(ComityProperties properties, DataDirectory directory) {
    try {
      return ConsortiumKey.open(properties.consortiumKey(), directory);
    } catch (IllegalArgumentException e) {
      throw new RefusedStart(
          "The consortium's key cannot be read: " + e.getMessage() + ".",
          "Set comity.consortium-key to the public key file or the fingerprint that the"
              + " consortium's `init` command made.",
          e);
    }
  }

  @Bean
  MessageKey messageKey(DataDirectory directory) {
    var file = directory.keys().resolve("message.key");
    if (!Files.exists(file)) {
      MessageKey.generate().write(file);
    }
    return MessageKey.read(file);
  }

  @Bean
  CertificateAuthority certificateAuthority(
      DataDirectory directory, FederationId federation, Clock clock) {
    return CertificateAuthority.open(directory, federation, clock);
  }

  @Bean
  ServerCertificate serverCertificate(
      DataDirectory directory,
      CertificateAuthority authority,
      ComityProperties properties,
      Clock clock) {
    return ServerCertificate.open(directory, authority, properties.advertisedHost(), clock);
  }

  @Bean
  Enrolments enrolments(
      FederationId federation,
      ConsortiumKey consortium,
      Memberships memberships,
      CertificateAuthority authority,
      FederationStore store,
      Clock clock) {
    return new Enrolments(federation, consortium, memberships, authority, store, clock);
  }

  @Bean
  Memberships memberships(
      FederationId federation,
      MessageKey key,
      ConsortiumKey consortium,
      FederationStore store,
      Clock clock) {
    return new Memberships(federation, key.publicKey(), consortium, store, clock);
  }

  /// Handlers block, in databases and on waiting sites.
  @Bean(destroyMethod = "")
  GrpcServerExecutorProvider grpcExecutor() {
    return Executors::newVirtualThreadPerTaskExecutor;
  }
}
