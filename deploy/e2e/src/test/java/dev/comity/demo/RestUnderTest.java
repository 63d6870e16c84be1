package dev.comity.demo;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;

/// The REST interface of an aggregator that the demo did not start.
public final class RestUnderTest {
  private RestUnderTest() {}

  /// The PIN of the aggregator's certificate authority, as it tells it itself.
  ///
  /// @param authority PEM file of that authority
  public static String caPin(URI address, Path authority) throws IOException, InterruptedException {
    return new RestApi(address, authority).get("federation").path("caPin").asString();
  }

  /// Two different ports of the loopback address that nobody listens on.
  public static int[] twoFreePorts() {
    return LoopbackPorts.free(2).stream().mapToInt(Integer::intValue).toArray();
  }
}
