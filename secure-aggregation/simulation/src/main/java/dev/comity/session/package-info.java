/// What the simulation makes of the pieces of a session that no party of it would.
@NullMarked
package dev.comity.session;

import org.jspecify.annotations.NullMarked;
