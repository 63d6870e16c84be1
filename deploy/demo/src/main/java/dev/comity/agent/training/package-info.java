/// What the benchmark measures within the site agent's training.
@NullMarked
package dev.comity.agent.training;

import org.jspecify.annotations.NullMarked;
