package dev.comity.run.web;

import dev.comity.federation.Memberships;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.run.IdempotencyKeys;
import dev.comity.run.RunSubmission;
import dev.comity.run.Runs;
import dev.comity.run.web.RunController.Accepted;
import dev.comity.run.web.SubmissionFaults.Fault;
import java.time.Clock;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionOperations;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.server.ResponseStatusException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Takes submissions in, each `Idempotency-Key` once: the key, the digest of the body and the run
/// are stored in the transaction that stores the run.
@Component
final class Submissions {
  private static final int LONGEST_KEY = 200;

  private final SubmissionReader reader;
  private final Memberships memberships;
  private final Runs runs;
  private final IdempotencyKeys keys;
  private final TransactionOperations transactions;
  private final JsonMapper strict;
  private final Clock clock;

  Submissions(
      SubmissionReader reader,
      Memberships memberships,
      Runs runs,
      IdempotencyKeys keys,
      TransactionOperations transactions,
      JsonMapper json,
      Clock clock) {
    this.reader = reader;
    this.memberships = memberships;
    this.runs = runs;
    this.keys = keys;
    this.transactions = transactions;
    this.strict = json.rebuild().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    this.clock = clock;
  }

  Accepted submit(byte[] body, @Nullable String key, String account) {
    if (key != null && (key.isBlank() || key.length() > LONGEST_KEY)) {
      throw new ResponseStatusException(
          HttpStatus.BAD_REQUEST,
          "Idempotency-Key must have 1 to %d characters.".formatted(LONGEST_KEY));
    }
    var submission = read(document(body));
    var accepted = transactions.execute(_ -> submit(submission, Digest.of(body), key, account));
    if (accepted == null) {
      throw new IllegalStateException("a submission without an outcome");
    }
    return accepted;
  }

  /// Before the transaction, since calibrating noise takes seconds. What is at fault is told within
  /// it: a key that was used before comes first.
  private Supplier<RunSubmission> read(JsonNode document) {
    try {
      var submission = reader.read(document, membership());
      return () -> submission;
    } catch (ErrorResponseException fault) {
      return () -> {
        throw fault;
      };
    }
  }

  private JsonNode document(byte[] body) {
    try {
      return strict.readTree(body);
    } catch (JacksonException e) {
      throw new ResponseStatusException(
          HttpStatus.BAD_REQUEST,
          "The body is not JSON: %s, line %d."
              .formatted(
                  String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("unreadable"),
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr()),
          e);
    }
  }

  private Accepted submit(
      Supplier<RunSubmission> reading, Digest digest, @Nullable String key, String account) {
    if (key != null) {
      var earlier = keys.claim(account, key);
      if (earlier.isPresent()) {
        return repeated(earlier.get(), digest);
      }
    }
    var submission = reading.get();
    store(submission, account);
    if (key != null) {
      keys.add(account, key, digest, submission.id(), clock.instant());
    }
    return new Accepted(submission.id().toString(), submission.name());
  }

  private MembershipEpoch membership() {
    var epoch = memberships.current().map(memberships::read).orElseThrow(NoMembership::new);
    if (epoch.expired(clock.instant())) {
      throw new ResponseStatusException(
          HttpStatus.CONFLICT,
          "Membership version %d expired at %s; have the consortium sign the next one."
              .formatted(epoch.version(), epoch.expiresAt()));
    }
    return epoch;
  }

  private void store(RunSubmission submission, String account) {
    try {
      runs.submit(submission, account);
    } catch (Runs.RefusedSubmission e) {
      throw new SubmissionFaults(List.of(new Fault(e.pointer(), String.valueOf(e.getMessage()))));
    }
  }

  private static Accepted repeated(IdempotencyKeys.Use earlier, Digest digest) {
    if (!earlier.request().equals(digest)) {
      throw new ResponseStatusException(
          HttpStatus.UNPROCESSABLE_CONTENT,
          "The Idempotency-Key was used with another body for run %s; take a new key."
              .formatted(earlier.name()));
    }
    return new Accepted(earlier.run().toString(), earlier.name());
  }
}
