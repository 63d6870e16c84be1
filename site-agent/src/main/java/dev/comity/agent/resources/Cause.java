package dev.comity.agent.resources;

/// Why a site does not train, as far as others are told.
public enum Cause {
  POWER("no power"),
  HEAT("too hot"),
  HOURS("outside hours");

  private final String published;

  Cause(String published) {
    this.published = published;
  }

  /// The words that the aggregator and its dashboard are told: no signal, no value.
  public String published() {
    return published;
  }
}
