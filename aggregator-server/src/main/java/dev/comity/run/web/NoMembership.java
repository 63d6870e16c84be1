package dev.comity.run.web;

import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.ErrorResponseException;

/// The consortium has not signed a membership yet, so there is nobody to run with.
final class NoMembership extends ErrorResponseException {
  private static final long serialVersionUID = 1;

  NoMembership() {
    super(HttpStatus.CONFLICT, problem(), null);
  }

  private static ProblemDetail problem() {
    var problem =
        ProblemDetail.forStatusAndDetail(
            HttpStatus.CONFLICT,
            "The federation has no members yet: have the consortium admit the enrolled sites, then"
                + " try again.");
    problem.setTitle("no membership epoch");
    problem.setProperty("code", "no-membership-epoch");
    return problem;
  }
}
