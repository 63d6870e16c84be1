/// The model registry on PostgreSQL.
@NullMarked
package dev.comity.registry.postgres;

import org.jspecify.annotations.NullMarked;
