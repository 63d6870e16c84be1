/// Composes the site's capabilities into taking part in rounds.
@NullMarked
package dev.comity.agent.participation;

import org.jspecify.annotations.NullMarked;
