/// The membership list that the consortium signs.
@NullMarked
package dev.comity.membership;

import org.jspecify.annotations.NullMarked;
