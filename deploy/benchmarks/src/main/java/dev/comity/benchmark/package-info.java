/// Whole federations against published figures, and what their rounds cost. Never shipped.
@NullMarked
package dev.comity.benchmark;

import org.jspecify.annotations.NullMarked;
