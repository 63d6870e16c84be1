/// Federated algorithms: local objective, weighting and server step.
@NullMarked
package dev.comity.algorithm;

import org.jspecify.annotations.NullMarked;
