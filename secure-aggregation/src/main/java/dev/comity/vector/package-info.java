/// Kernels over long vectors, scalar and SIMD.
@NullMarked
package dev.comity.vector;

import org.jspecify.annotations.NullMarked;
