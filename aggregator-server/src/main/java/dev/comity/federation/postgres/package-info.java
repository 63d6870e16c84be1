/// The federation's tables.
@NullMarked
package dev.comity.federation.postgres;

import org.jspecify.annotations.NullMarked;
