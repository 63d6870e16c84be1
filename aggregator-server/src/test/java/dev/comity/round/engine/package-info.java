/// The engine against real sessions, a real database and the real service.
@NullMarked
package dev.comity.round.engine;

import org.jspecify.annotations.NullMarked;
