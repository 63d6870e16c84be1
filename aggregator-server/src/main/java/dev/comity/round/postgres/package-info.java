/// The engine of rounds and sessions on PostgreSQL.
@NullMarked
package dev.comity.round.postgres;

import org.jspecify.annotations.NullMarked;
