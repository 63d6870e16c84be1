package dev.comity.agent;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.util.Platform;
import io.netty.handler.ssl.OpenSsl;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The native libraries that the agent loads: libtorch with DJL's binding to it, and netty's
/// BoringSSL. They lie in this program's jars, which unpack them into a cache at each first use;
/// where nothing may be written they are unpacked beforehand and found by
/// `-DPYTORCH_LIBRARY_PATH=DIR/torch` and `-Djava.library.path=DIR/tls`.
final class NativeLibraries {
  /// DJL loads every library of its folder, so TLS has another one.
  static final String TORCH = "torch";

  static final String TLS = "tls";

  private static final String TORCH_LIBRARY = "libtorch_cpu.so";
  private static final String TORCH_BINDING = "libdjl_torch.so";
  private static final String TLS_LIBRARY = "libnetty_tcnative_linux_x86_64.so";

  /// A library, its version and the file that this process loaded it from.
  record Loaded(String name, String version, Path file) {}

  private NativeLibraries() {}

  /// Writes all libraries below `folder`, over what lies there.
  ///
  /// @return the files, in the order in which they were written
  static List<Path> extract(Path folder) throws IOException {
    Platform torch = Platform.detectPlatform("pytorch");
    var written = new ArrayList<Path>();
    for (String library : torch.getLibraries()) {
      String resource =
          "pytorch/" + torch.getFlavor() + "/" + torch.getClassifier() + "/" + library;
      written.add(copy(resource, folder.resolve(TORCH).resolve(library)));
    }
    written.add(
        copy(
            "jnilib/" + torch.getClassifier() + "/" + torch.getFlavor() + "/" + TORCH_BINDING,
            folder.resolve(TORCH).resolve(TORCH_BINDING)));
    written.add(copy("META-INF/native/" + TLS_LIBRARY, folder.resolve(TLS).resolve(TLS_LIBRARY)));
    return written;
  }

  private static Path copy(String resource, Path file) throws IOException {
    try (InputStream library =
        NativeLibraries.class.getClassLoader().getResourceAsStream(resource)) {
      if (library == null) {
        throw new IllegalStateException(
            "this program carries no "
                + resource
                + ": it was left out of an image, which holds it unpacked; extract with the jar of"
                + " the same version");
      }
      Files.createDirectories(file.resolveSibling("."));
      Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
      Files.copy(library, unfinished, StandardCopyOption.REPLACE_EXISTING);
      return Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /// Loads every library, computes with PyTorch, and tells what was loaded.
  ///
  /// @throws IllegalStateException when one cannot be loaded, with the loader's own words
  static List<Loaded> load() throws IOException {
    return List.of(torch(), tls());
  }

  private static Loaded torch() throws IOException {
    try (var manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
        var values = manager.create(new float[] {3, 4});
        var product = values.mul(values);
        var sum = product.sum()) {
      if (sum.getFloat() != 25) {
        throw new IllegalStateException(
            "PyTorch computes 3² + 4² = " + sum.getFloat() + ": this processor or build is broken");
      }
      return new Loaded("PyTorch", manager.getEngine().getVersion(), mapped(TORCH_LIBRARY));
    } catch (EngineException | UnsatisfiedLinkError e) {
      throw new IllegalStateException(
          "PyTorch cannot be loaded: %s; unpack it with site-agent natives extract DIR and start with -DPYTORCH_LIBRARY_PATH=DIR/torch"
              .formatted(cause(e)),
          e);
    }
  }

  private static Loaded tls() throws IOException {
    if (!OpenSsl.isAvailable()) {
      throw new IllegalStateException(
          "netty's BoringSSL cannot be loaded: %s; unpack it with site-agent natives extract DIR and start with -Djava.library.path=DIR/tls"
              .formatted(cause(OpenSsl.unavailabilityCause())));
    }
    return new Loaded(
        "TLS",
        Optional.ofNullable(OpenSsl.versionString()).orElse("BoringSSL"),
        mapped("tcnative"));
  }

  private static String cause(Throwable failure) {
    Throwable first = failure;
    while (first.getCause() != null) {
      first = first.getCause();
    }
    return String.valueOf(first.getMessage());
  }

  /// The file with `name` in its name that the kernel has mapped into this process.
  private static Path mapped(String name) throws IOException {
    try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
      return maps.filter(line -> line.contains("/"))
          .map(line -> Path.of(line.substring(line.indexOf('/'))))
          .filter(file -> String.valueOf(file.getFileName()).contains(name))
          .findFirst()
          .orElseThrow(() -> new IllegalStateException(name + " is loaded from no file"));
    }
  }
}
