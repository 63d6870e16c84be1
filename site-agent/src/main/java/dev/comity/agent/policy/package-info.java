/// What the site permits, decided from its own files.
@NullMarked
package dev.comity.agent.policy;

import org.jspecify.annotations.NullMarked;
