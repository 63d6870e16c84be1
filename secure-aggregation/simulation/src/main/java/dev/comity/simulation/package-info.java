/// Sites and aggregator of secure aggregation in one thread, over a simulated network, clock and
/// disk, from one seed.
@NullMarked
package dev.comity.simulation;

import org.jspecify.annotations.NullMarked;
