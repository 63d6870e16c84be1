/// Differential privacy in numbers: events, the accountants that turn them into (ε, δ), calibration
/// of noise, and exact integer noise.
@NullMarked
package dev.comity.accounting;

import org.jspecify.annotations.NullMarked;
