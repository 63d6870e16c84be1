package dev.comity.plan;

/// The name of a federation: 1 to 63 of a-z, 0-9 and -, as in a host name.
public record FederationId(String value) implements Comparable<FederationId> {
  public FederationId {
    DnsLabel.require("federation", value);
  }

  @Override
  public int compareTo(FederationId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
