package dev.comity.agent.participation;

/// The version of this software.
public final class AgentVersion {
  private AgentVersion() {}

  /// As in the jar's manifest; `development` outside of one.
  public static String text() {
    String version = AgentVersion.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
