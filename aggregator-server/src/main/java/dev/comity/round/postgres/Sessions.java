package dev.comity.round.postgres;

import dev.comity.plan.Digest;
import dev.comity.round.FederationAuthority;
import dev.comity.session.ServerSession;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/// Sessions folded from their stored events. What was folded stays in memory while the session
/// lives; the number of stored events tells whether it is still the whole story. Any thread.
@Component
final class Sessions {

  private final RoundStore store;
  private final FederationAuthority federation;
  private final Map<Digest, Folded> folded = new ConcurrentHashMap<>();

  /// A session after its first `events` events.
  record Folded(int events, ServerSession session) {}

  Sessions(RoundStore store, FederationAuthority federation) {
    this.store = store;
    this.federation = federation;
  }

  Folded load(SessionRow row) {
    var stored = store.events(row.id());
    var known = folded.get(row.id());
    if (known != null && known.events() == stored) {
      return known;
    }
    var membership =
        federation
            .membership(row.descriptor().membership())
            .orElseThrow(() ->
                new IllegalStateException(
                    "session "
                        + row.id().abbreviated()
                        + " names a membership epoch that is not stored"));
    var events = store.storedEvents(row.id());
    var session = ServerSession.fold(row.descriptor(), membership, events);
    return remember(row.id(), new Folded(events.size(), session));
  }

  /// To be called once the transaction that stored the last event has committed.
  Folded remember(Digest session, Folded now) {
    folded.put(session, now);
    return now;
  }

  void forget(Digest session) {
    folded.remove(session);
  }
}
