package dev.comity.federation.grpc;

import io.grpc.Context;

/// The client certificate with which a call is made, by its serial number in hexadecimal.
final class CallerCertificate {
  static final Context.Key<String> SERIAL = Context.key("comity-caller-certificate");

  private CallerCertificate() {}
}
