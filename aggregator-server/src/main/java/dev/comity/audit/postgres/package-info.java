/// The journal and its notifications on PostgreSQL.
@NullMarked
package dev.comity.audit.postgres;

import org.jspecify.annotations.NullMarked;
