/// The agent's process: composition and configuration.
@NullMarked
package dev.comity.agent;

import org.jspecify.annotations.NullMarked;
