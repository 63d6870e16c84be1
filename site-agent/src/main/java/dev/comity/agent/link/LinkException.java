package dev.comity.agent.link;

import java.io.IOException;

/// The aggregator could not be reached, or the connection broke: the same call may be made again.
public final class LinkException extends IOException {
  private static final long serialVersionUID = 1L;

  LinkException(String message) {
    super(message);
  }

  LinkException(String message, Throwable cause) {
    super(message, cause);
  }
}
