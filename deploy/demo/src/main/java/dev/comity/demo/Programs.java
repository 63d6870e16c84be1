package dev.comity.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// The programs of a federation as the build left them, and how each is started.
record Programs(Path java, Path aggregator, Path agent, Path consortium) {
  private static final List<String> JVM =
      List.of(
          "--add-modules",
          "jdk.incubator.vector",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "-XX:+UseSerialGC",
          "-Xshare:auto");

  /// @param checkout root of the checkout in which everything was built
  static Programs in(Path checkout) {
    return new Programs(
        Path.of(System.getProperty("java.home"), "bin", "java"),
        jar(checkout.resolve("aggregator-server")),
        jar(checkout.resolve("site-agent")),
        jar(checkout.resolve("secure-aggregation/consortium")));
  }

  private static Path jar(Path module) {
    try (var jars = Files.newDirectoryStream(module.resolve("target"), "*-exec.jar")) {
      for (var jar : jars) {
        return jar;
      }
    } catch (IOException _) {
      throw new DemoFailure(module + " is not built: start the demo with deploy/demo/run");
    }
    throw new DemoFailure(
        module + "/target has no *-exec.jar: start the demo with deploy/demo/run");
  }

  List<String> aggregator(List<String> arguments) {
    return command(
        aggregator, List.of("-Xmx768m", "-Dorg.bytedeco.javacpp.maxbytes=512m"), arguments);
  }

  List<String> agent(List<String> arguments) {
    return command(agent, List.of("-Xmx384m", "-Dai.djl.pytorch.num_threads=1"), arguments);
  }

  /// For a command of the agent that ends soon: compiled quickly rather than well.
  List<String> shortAgent(List<String> arguments) {
    return command(agent, List.of("-Xmx128m", "-XX:TieredStopAtLevel=1"), arguments);
  }

  List<String> consortium(List<String> arguments) {
    return command(consortium, List.of("-Xmx64m", "-XX:TieredStopAtLevel=1"), arguments);
  }

  private List<String> command(Path jar, List<String> options, List<String> arguments) {
    var command = new ArrayList<String>();
    command.add(java.toString());
    command.addAll(JVM);
    command.addAll(options);
    command.add("-jar");
    command.add(jar.toString());
    command.addAll(arguments);
    return command;
  }
}
