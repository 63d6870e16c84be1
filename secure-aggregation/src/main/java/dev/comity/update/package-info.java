/// The path of an update out of a site: clip, encode, noise, mask.
@NullMarked
package dev.comity.update;

import org.jspecify.annotations.NullMarked;
