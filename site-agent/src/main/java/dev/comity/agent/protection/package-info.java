/// The path of an update from training to its masked form.
@NullMarked
package dev.comity.agent.protection;

import org.jspecify.annotations.NullMarked;
