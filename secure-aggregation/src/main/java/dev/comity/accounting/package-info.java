/// Privacy accounting in epsilon and delta.
@NullMarked
package dev.comity.accounting;

import org.jspecify.annotations.NullMarked;
