/// Model files and built-in architectures.
@NullMarked
package dev.comity.formats;

import org.jspecify.annotations.NullMarked;
