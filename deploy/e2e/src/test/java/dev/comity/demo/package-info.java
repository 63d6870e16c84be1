/// What tests need of the demo's processes.
@NullMarked
package dev.comity.demo;

import org.jspecify.annotations.NullMarked;
