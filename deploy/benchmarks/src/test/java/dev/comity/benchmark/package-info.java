/// The benchmarks under test.
@NullMarked
package dev.comity.benchmark;

import org.jspecify.annotations.NullMarked;
