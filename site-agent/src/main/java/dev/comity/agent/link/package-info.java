/// The only way out: enrolment and the connection to the aggregator.
@NullMarked
package dev.comity.agent.link;

import org.jspecify.annotations.NullMarked;
