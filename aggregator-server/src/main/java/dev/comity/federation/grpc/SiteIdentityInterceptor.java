package dev.comity.federation.grpc;

import dev.comity.federation.FederationStore;
import dev.comity.federation.FederationStore.EnrolledSite;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import dev.comity.round.grpc.CallerSite;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.net.URI;
import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.springframework.grpc.server.GlobalServerInterceptor;
import org.springframework.stereotype.Component;

/// Says on whose behalf a call is made, from the URI in the client certificate,
/// `comity://federation/site`.
///
/// ## Security guarantees
///
/// A call passes only with a certificate of this federation's authority (the TLS handshake checks
/// that), for a site that is enrolled and not revoked, and only with the newest certificate of that
/// site or the one with which it asked for the newest. A pending site may only greet.
@Component
@GlobalServerInterceptor
final class SiteIdentityInterceptor implements ServerInterceptor {
  private static final int URI_NAME = 6; // RFC 5280, GeneralName uniformResourceIdentifier
  private static final String GREETING = "Hello";

  /// Who calls, or why the call is refused.
  private sealed interface Verdict {
    record Known(SiteId site, String serial) implements Verdict {}

    record Unwelcome(Status status) implements Verdict {}
  }

  private final FederationId federation;
  private final FederationStore store;

  SiteIdentityInterceptor(FederationId federation, FederationStore store) {
    this.federation = federation;
    this.store = store;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    return switch (verdict(call)) {
      case Verdict.Known(var site, var serial) ->
          Contexts.interceptCall(
              Context.current()
                  .withValue(CallerSite.KEY, site)
                  .withValue(CallerCertificate.SERIAL, serial),
              call,
              headers,
              next);
      case Verdict.Unwelcome(var status) -> {
        call.close(status, new Metadata());
        yield new ServerCall.Listener<>() {};
      }
    };
  }

  private Verdict verdict(ServerCall<?, ?> call) {
    var session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    if (session == null) {
      return unauthenticated("this port speaks TLS with client certificates only");
    }
    var certificate = clientCertificate(session);
    if (certificate.isEmpty()) {
      return unauthenticated("no client certificate; join the federation first with an invitation");
    }
    return verdict(
        certificate.get(), String.valueOf(call.getMethodDescriptor().getBareMethodName()));
  }

  private Verdict verdict(X509Certificate certificate, String method) {
    var uri = siteUri(certificate);
    if (uri.isEmpty()) {
      return unauthenticated(
          "the client certificate names no site; its URI must be comity://"
              + federation.value()
              + "/SITE");
    }
    if (!federation.value().equals(uri.get().getHost())) {
      return denied(
          "the certificate belongs to federation %s, this aggregator serves %s"
              .formatted(uri.get().getHost(), federation.value()));
    }
    var name = uri.get().getPath().substring(1);
    var site = store.site(new SiteId(name));
    if (site.isEmpty()) {
      return denied("site " + name + " is not enrolled; ask the consortium for an invitation");
    }
    return verdict(site.get(), certificate.getSerialNumber().toString(16), method);
  }

  private static Verdict verdict(EnrolledSite site, String serial, String method) {
    if (!serial.equals(site.serial()) && !serial.equals(site.previousSerial())) {
      return denied(
          "the certificate of site %s was replaced; use the one issued last"
              .formatted(site.site().value()));
    }
    return switch (site.state()) {
      case ACTIVE -> new Verdict.Known(site.site(), serial);
      case REVOKED ->
          denied(
              "site %s was revoked by the consortium; ask it for a new invitation"
                  .formatted(site.site().value()));
      case PENDING ->
          method.equals(GREETING)
              ? new Verdict.Known(site.site(), serial)
              : new Verdict.Unwelcome(
                  Status.FAILED_PRECONDITION.withDescription(
                      "site %s is pending: no membership epoch lists its key; tell the consortium its fingerprint"
                          .formatted(site.site().value())));
    };
  }

  private static Optional<X509Certificate> clientCertificate(SSLSession session) {
    try {
      Certificate[] chain = session.getPeerCertificates();
      return chain.length > 0 && chain[0] instanceof X509Certificate certificate
          ? Optional.of(certificate)
          : Optional.empty();
    } catch (SSLPeerUnverifiedException e) {
      return Optional.empty();
    }
  }

  private static Optional<URI> siteUri(X509Certificate certificate) {
    try {
      var names = certificate.getSubjectAlternativeNames();
      if (names == null) {
        return Optional.empty();
      }
      return names.stream()
          .filter(name -> Integer.valueOf(URI_NAME).equals(name.getFirst()))
          .map(List::getLast)
          .map(String::valueOf)
          .filter(text -> text.matches("comity://[a-z0-9-]+/[a-z0-9-]+"))
          .map(URI::create)
          .findFirst();
    } catch (CertificateParsingException e) {
      return Optional.empty();
    }
  }

  private static Verdict unauthenticated(String why) {
    return new Verdict.Unwelcome(Status.UNAUTHENTICATED.withDescription(why));
  }

  private static Verdict denied(String why) {
    return new Verdict.Unwelcome(Status.PERMISSION_DENIED.withDescription(why));
  }
}
