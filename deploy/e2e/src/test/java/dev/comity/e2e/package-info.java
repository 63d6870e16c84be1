/// Whole federations under test.
@NullMarked
package dev.comity.e2e;

import org.jspecify.annotations.NullMarked;
