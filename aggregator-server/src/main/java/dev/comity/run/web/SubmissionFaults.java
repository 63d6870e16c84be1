package dev.comity.run.web;

import java.util.List;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.ErrorResponseException;

/// Everything that is wrong with a submission.
final class SubmissionFaults extends ErrorResponseException {
  private static final long serialVersionUID = 1;

  /// @param pointer JSON pointer (RFC 6901) of the field at fault
  record Fault(String pointer, String detail) {}

  SubmissionFaults(List<Fault> faults) {
    super(HttpStatus.UNPROCESSABLE_CONTENT, problem(List.copyOf(faults)), null);
  }

  private static ProblemDetail problem(List<Fault> faults) {
    var problem =
        ProblemDetail.forStatusAndDetail(
            HttpStatus.UNPROCESSABLE_CONTENT,
            faults.size() == 1
                ? "The submission has 1 fault."
                : "The submission has %d faults.".formatted(faults.size()));
    problem.setTitle("submission refused");
    problem.setProperty("errors", faults);
    return problem;
  }
}
