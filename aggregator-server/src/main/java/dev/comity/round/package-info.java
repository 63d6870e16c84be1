/// Rounds and aggregation sessions as durable state machines.
@NullMarked
package dev.comity.round;

import org.jspecify.annotations.NullMarked;
