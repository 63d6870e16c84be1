package dev.comity.aggregator;

import dev.comity.federation.Refused;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authentication.InsufficientAuthenticationException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.web.csrf.CsrfException;
import org.springframework.web.bind.MethodArgumentNotValidException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.RequestAttributes;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;

/// Every error of REST as a problem (RFC 9457) with the trace id; faults of the body stand in
/// `errors`, each with the JSON pointer of its field.
@RestControllerAdvice
final class ProblemAdvice extends ResponseEntityExceptionHandler {
  private static final Logger LOG = LoggerFactory.getLogger(ProblemAdvice.class);

  @ExceptionHandler
  ResponseEntity<Object> refused(Refused refusal, WebRequest request) {
    var status =
        switch (refusal.kind()) {
          case INVALID -> HttpStatus.UNPROCESSABLE_CONTENT;
          case CONFLICT -> HttpStatus.CONFLICT;
          case FORBIDDEN -> HttpStatus.FORBIDDEN;
        };
    var problem = ProblemDetail.forStatusAndDetail(status, refusal.detail());
    problem.setProperty("code", refusal.code());
    return answer(problem, new HttpHeaders(), request);
  }

  @ExceptionHandler
  ResponseEntity<Object> unauthenticated(AuthenticationException refusal, WebRequest request) {
    var headers = new HttpHeaders();
    headers.set(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
    var problem =
        ProblemDetail.forStatusAndDetail(
            HttpStatus.UNAUTHORIZED,
            refusal instanceof InsufficientAuthenticationException
                ? "Sign in with POST /api/v1/session, or send Authorization: Bearer and a token."
                : String.valueOf(refusal.getMessage()));
    return answer(problem, headers, request);
  }

  @ExceptionHandler
  ResponseEntity<Object> denied(AccessDeniedException refusal, WebRequest request) {
    var detail =
        refusal instanceof CsrfException
            ? "The CSRF token is missing or wrong; send the cookie XSRF-TOKEN's value in the header"
                + " X-XSRF-TOKEN."
            : "Your role does not allow this; ask an administrator for one that does.";
    return answer(
        ProblemDetail.forStatusAndDetail(HttpStatus.FORBIDDEN, detail), new HttpHeaders(), request);
  }

  @ExceptionHandler
  ResponseEntity<Object> unexpected(Exception failure, WebRequest request) {
    LOG.atError().setCause(failure).log("request failed");
    return answer(
        ProblemDetail.forStatusAndDetail(
            HttpStatus.INTERNAL_SERVER_ERROR,
            "The aggregator failed at this request; its log has more under the trace id."),
        new HttpHeaders(),
        request);
  }

  @Override
  protected ResponseEntity<Object> handleMethodArgumentNotValid(
      MethodArgumentNotValidException invalid,
      HttpHeaders headers,
      HttpStatusCode status,
      WebRequest request) {
    var problem =
        ProblemDetail.forStatusAndDetail(
            HttpStatus.UNPROCESSABLE_CONTENT, "The request's body does not hold.");
    problem.setProperty(
        "errors",
        invalid.getBindingResult().getFieldErrors().stream()
            .map(fault ->
                Map.of(
                    "pointer",
                    "/" + fault.getField().replace('.', '/'),
                    "detail",
                    String.valueOf(fault.getDefaultMessage())))
            .toList());
    return answer(problem, headers, request);
  }

  @Override
  protected ResponseEntity<Object> handleHttpMessageNotReadable(
      HttpMessageNotReadableException unreadable,
      HttpHeaders headers,
      HttpStatusCode status,
      WebRequest request) {
    if (unreadable.getMostSpecificCause() instanceof ResponseStatusException cut) {
      return answer(cut.getBody(), cut.getHeaders(), request); // the body was too long
    }
    var problem =
        ProblemDetail.forStatusAndDetail(
            HttpStatus.BAD_REQUEST, "The request's body is missing or is not the JSON asked for.");
    if (unreadable.getCause() instanceof JacksonException fault) {
      problem.setProperty(
          "errors", List.of(Map.of("pointer", pointer(fault), "detail", said(fault))));
    }
    return answer(problem, headers, request);
  }

  private static String pointer(JacksonException fault) {
    var pointer = new StringBuilder();
    for (var step : fault.getPath()) {
      pointer
          .append('/')
          .append(step.getPropertyName() == null ? step.getIndex() : step.getPropertyName());
    }
    return pointer.toString();
  }

  /// Without the value, which may be a password.
  private static String said(JacksonException fault) {
    return fault instanceof UnrecognizedPropertyException
        ? "unknown field; remove it"
        : "not readable as the type asked for";
  }

  @Override
  protected ResponseEntity<Object> createResponseEntity(
      @Nullable Object body, HttpHeaders headers, HttpStatusCode status, WebRequest request) {
    if (body instanceof ProblemDetail problem) {
      problem.setProperty(
          "traceId", request.getAttribute(TraceFilter.ATTRIBUTE, RequestAttributes.SCOPE_REQUEST));
      headers = HttpHeaders.copyOf(headers);
      headers.setContentType(MediaType.APPLICATION_PROBLEM_JSON);
    }
    return new ResponseEntity<>(body, headers, status);
  }

  private ResponseEntity<Object> answer(
      ProblemDetail problem, HttpHeaders headers, WebRequest request) {
    return createResponseEntity(
        problem, headers, HttpStatusCode.valueOf(problem.getStatus()), request);
  }

  /// For errors that arise before any controller is found.
  static ProblemDetail problem(HttpStatus status, HttpServletRequest request) {
    var problem = ProblemDetail.forStatus(status);
    problem.setProperty("traceId", request.getAttribute(TraceFilter.ATTRIBUTE));
    return problem;
  }
}
