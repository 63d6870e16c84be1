/// The aggregator's process: composition and configuration.
@NullMarked
package dev.comity.aggregator;

import org.jspecify.annotations.NullMarked;
