package dev.comity.federation;

import java.time.Instant;

/// A TLS certificate that this federation's authority signed.
///
/// @param serial lower-case hexadecimal
/// @param pem the certificate, then the authority's
public record IssuedCertificate(String serial, Instant notAfter, String pem) {}
