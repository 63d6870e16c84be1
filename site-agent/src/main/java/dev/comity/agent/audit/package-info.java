/// Checks the export of a model's lineage offline.
@NullMarked
package dev.comity.agent.audit;

import org.jspecify.annotations.NullMarked;
