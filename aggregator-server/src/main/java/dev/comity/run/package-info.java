/// Runs that researchers submit.
@NullMarked
package dev.comity.run;

import org.jspecify.annotations.NullMarked;
