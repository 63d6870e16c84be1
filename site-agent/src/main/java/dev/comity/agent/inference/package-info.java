/// Predictions served at the site.
@NullMarked
package dev.comity.agent.inference;

import org.jspecify.annotations.NullMarked;
