package dev.comity.agent.participation;

/// A settings file that cannot be used; the message names file and key.
public final class RefusedSettings extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RefusedSettings(String message, Throwable cause) {
    super(message, cause);
  }

  RefusedSettings(String message) {
    super(message);
  }
}
