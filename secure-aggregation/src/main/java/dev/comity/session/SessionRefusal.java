package dev.comity.session;

import org.jspecify.annotations.Nullable;

/// A site or the aggregator refuses a document or a message of a session. The message says what was
/// refused, the value, the limit and the remedy, and holds no secret.
public final class SessionRefusal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// Why, as a stable code.
  public enum Reason {
    /// Bytes that are no document of this protocol.
    MALFORMED,
    /// A signature that does not verify under the key that the membership lists.
    BAD_SIGNATURE,
    /// Another federation, membership, plan, terms, layout or session than the one agreed.
    MISMATCH,
    /// A site that is unknown, expired, revoked or listed with another key.
    NOT_A_MEMBER,
    /// Fewer sites than the quorum needs, or weaker bounds than this site's own.
    QUORUM,
    /// A second message of one phase that differs from the first.
    EQUIVOCATION,
    /// More bytes than any message of its phase has.
    TOO_LARGE,
    /// The sites of a session have seen different membership lists.
    OTHER_MEMBERSHIP,
    /// A key that is not canonical, has small order or appears twice.
    BAD_KEY,
    /// A session counter that did not grow: a clone or a site restored from a backup.
    REPLAYED_COUNTER,
    /// More shares are missing than sites may collude.
    MISSING_SHARES,
    /// A view that contradicts what this site saw or did before.
    INCONSISTENT_VIEW,
    /// The update was released already.
    SPENT,
    /// The update's fate in another session is not proven yet.
    IN_DOUBT,
    /// The site's privacy budget does not hold the update.
    BUDGET,
    /// The session was left for good.
    LEFT,
    /// The step does not fit what this site did before in the session.
    OUT_OF_ORDER,
    /// The vault lacks what it must hold by now: the site lost state and needs a new enrolment.
    LOST_STATE
  }

  private final Reason reason;
  private final String message;

  public SessionRefusal(Reason reason, String message) {
    super(message);
    this.reason = reason;
    this.message = message;
  }

  public SessionRefusal(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.message = message;
  }

  public Reason reason() {
    return reason;
  }

  @Override
  public String getMessage() {
    return message;
  }
}
