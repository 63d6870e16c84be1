package dev.comity.round.postgres;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A session event as a row: the exact bytes of a message, the chunk root of a masked vector, or
/// the reason of an end.
record StoredEvent(
    String kind,
    @Nullable String site,
    @Nullable String phase,
    @Nullable Bytes body,
    @Nullable Bytes signature) {

  static StoredEvent of(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          new StoredEvent(
              "MESSAGE",
              message.sender().value(),
              message.phase().name(),
              message.body(),
              message.signature());
      case SessionEvent.MaskedInputStored(var site, var root) ->
          new StoredEvent("MASKED_INPUT_STORED", site.value(), null, Bytes.of(root.bytes()), null);
      case SessionEvent.PhaseDeadlinePassed(var phase) ->
          new StoredEvent("DEADLINE", null, phase.name(), null, null);
      case SessionEvent.Cancelled(var reason) ->
          new StoredEvent(
              "CANCELLED", null, null, Bytes.of(reason.getBytes(StandardCharsets.UTF_8)), null);
      case SessionEvent.MemberRevoked(var site) ->
          new StoredEvent("REVOKED", site.value(), null, null, null);
    };
  }

  SessionEvent event(Digest session) {
    return switch (kind) {
      case "MESSAGE" ->
          new SessionEvent.MessageReceived(
              new SignedMessage(
                  session,
                  new SiteId(there(site)),
                  SignedMessage.Phase.valueOf(there(phase)),
                  there(body),
                  there(signature)));
      case "MASKED_INPUT_STORED" ->
          new SessionEvent.MaskedInputStored(new SiteId(there(site)), Digest.ofValue(there(body)));
      case "DEADLINE" ->
          new SessionEvent.PhaseDeadlinePassed(SignedMessage.Phase.valueOf(there(phase)));
      case "CANCELLED" ->
          new SessionEvent.Cancelled(new String(there(body).toByteArray(), StandardCharsets.UTF_8));
      case "REVOKED" -> new SessionEvent.MemberRevoked(new SiteId(there(site)));
      default -> throw new IllegalStateException("a session has an event of kind " + kind);
    };
  }

  private static <T> T there(@Nullable T value) {
    return Objects.requireNonNull(value, "a stored session event lacks a column");
  }
}
