package dev.comity.run;

import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import java.time.Instant;
import java.util.Optional;

/// Which `Idempotency-Key` an account used for which submission. Joins the caller's transaction.
public interface IdempotencyKeys {

  /// @param request digest of the body
  record Use(Digest request, RunId run, String name) {}

  /// What `key` was used for. Until the transaction ends, everybody else who asks for it waits.
  Optional<Use> claim(String account, String key);

  void add(String account, String key, Digest request, RunId run, Instant at);
}
