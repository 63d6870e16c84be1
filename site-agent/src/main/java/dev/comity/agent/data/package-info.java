/// The site's data by a declared mapping.
@NullMarked
package dev.comity.agent.data;

import org.jspecify.annotations.NullMarked;
