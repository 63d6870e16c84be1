/// Local training and evaluation.
@NullMarked
package dev.comity.agent.training;

import org.jspecify.annotations.NullMarked;
