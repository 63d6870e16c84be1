/// Model versions, their lineage and artifacts.
@NullMarked
package dev.comity.registry;

import org.jspecify.annotations.NullMarked;
