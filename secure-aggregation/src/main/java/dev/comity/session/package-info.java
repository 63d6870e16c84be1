/// One attempt to sum the updates of a roster: keys, shares, votes, unmasking.
@NullMarked
package dev.comity.session;

import org.jspecify.annotations.NullMarked;
