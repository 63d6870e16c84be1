/// The consortium's offline command.
@NullMarked
package dev.comity.consortium;

import org.jspecify.annotations.NullMarked;
