package dev.comity.plan;

/// The name of a site in its federation: 1 to 63 of a-z, 0-9 and -, as in a host name.
public record SiteId(String value) implements Comparable<SiteId> {
  public SiteId {
    DnsLabel.require("site", value);
  }

  @Override
  public int compareTo(SiteId other) {
    return value.compareTo(other.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
