package dev.comity.demo;

/// A recipe, or the data it asks for, cannot serve. The message names the file, the key and the
/// remedy.
public final class RecipeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RecipeException(String message) {
    super(message);
  }

  public RecipeException(String message, Throwable cause) {
    super(message, cause);
  }
}
