package dev.comity.aggregator;

import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/// Everything that can be set under `comity.`; a key that is not here stops the start.
///
/// @param federation identifier of the one federation that this aggregator serves
/// @param consortiumKey path of the consortium's public key file, or the key's fingerprint (64
///   hexadecimal digits, groups may be parted by `-`); with a fingerprint the key itself is taken
///   from the first invitation that matches it
/// @param dataDir keys, artifacts, spooled vectors and the embedded database
/// @param database `embedded`, or absent when `spring.datasource.url` names a PostgreSQL
/// @param federationEpoch at least the stored epoch of the federation, and stored when it is
///   greater; to be raised once after the database was restored from a backup, so that sites refuse
///   the sessions of the past. Absent, the stored epoch holds; it begins at 1
/// @param bind address that both ports listen on
/// @param advertisedHost name by which sites and researchers reach this aggregator; stands in the
///   server certificate
@Validated
@ConfigurationProperties(prefix = "comity", ignoreUnknownFields = false)
record ComityProperties(
    @NotBlank(message = "is required: the federation's identifier, e.g. comity.federation=north")
        @Pattern(
            regexp = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
            message = "must be 1 to 63 lower-case letters, digits and inner hyphens")
        String federation,
    @NotBlank(
            message =
                "is required: the path of the consortium's public key file or its fingerprint; the"
                    + " consortium's `init` command makes both")
        String consortiumKey,
    @DefaultValue("comity-data") Path dataDir,
    @Nullable Database database,
    @Min(value = 1, message = "must be 1 or more") @Nullable Long federationEpoch,
    @Valid @DefaultValue Rest rest,
    @Valid @DefaultValue Grpc grpc,
    @DefaultValue("127.0.0.1") @NotBlank String bind,
    @DefaultValue("localhost") @NotBlank String advertisedHost) {

  /// Where the durable state lies, unless `spring.datasource.url` says it.
  enum Database {
    /// PostgreSQL started from this program's own binaries below the data directory.
    EMBEDDED
  }

  /// REST and the dashboard, over TLS. Port 0 takes any free one.
  record Rest(@DefaultValue("8443") @Min(0) @Max(65535) int port) {}

  /// The sites' service, over TLS with client certificates. Port 0 takes any free one.
  record Grpc(@DefaultValue("9443") @Min(0) @Max(65535) int port) {}
}
