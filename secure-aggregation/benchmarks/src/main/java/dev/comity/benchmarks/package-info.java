/// JMH benchmarks of the kernels.
@NullMarked
package dev.comity.benchmarks;

import org.jspecify.annotations.NullMarked;
