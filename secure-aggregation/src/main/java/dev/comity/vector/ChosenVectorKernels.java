package dev.comity.vector;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The kernels of this process, chosen at first use.
final class ChosenVectorKernels {
  private static final Logger LOG = LoggerFactory.getLogger(ChosenVectorKernels.class);
  private static final String MODULE = "jdk.incubator.vector";

  static final VectorKernels SCALAR = new ScalarVectorKernels();
  static final VectorKernels KERNELS = choose(ModuleLayer.boot());

  private ChosenVectorKernels() {}

  static VectorKernels choose(ModuleLayer boot) {
    if (boot.findModule(MODULE).isEmpty()) {
      LOG.atWarn()
          .setMessage("vector kernels fall back")
          .addKeyValue("kernels", SCALAR.description())
          .addKeyValue("reason", "module " + MODULE + " is not in the boot layer")
          .addKeyValue("remedy", "start java with --add-modules " + MODULE)
          .log();
      return SCALAR;
    }
    VectorKernels panama = new PanamaVectorKernels();
    LOG.atInfo()
        .setMessage("vector kernels chosen")
        .addKeyValue("kernels", panama.description())
        .addKeyValue("reason", "module " + MODULE + " is in the boot layer")
        .log();
    return panama;
  }
}
