/// Runs on PostgreSQL.
@NullMarked
package dev.comity.run.postgres;

import org.jspecify.annotations.NullMarked;
