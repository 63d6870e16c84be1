/// A federation on one machine: recipes and generated data.
@NullMarked
package dev.comity.demo;

import org.jspecify.annotations.NullMarked;
