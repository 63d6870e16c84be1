/// Round plans and update terms, their layouts and the strict codec of their bytes.
@NullMarked
package dev.comity.plan;

import org.jspecify.annotations.NullMarked;
