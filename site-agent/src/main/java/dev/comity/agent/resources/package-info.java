/// When the site's power, temperature and hours allow work.
@NullMarked
package dev.comity.agent.resources;

import org.jspecify.annotations.NullMarked;
