/// The path of an update out of a site, one type a step, and the sum on the other side.
///
/// `LocalUpdate → ClippedUpdate → EncodedUpdate → NoisedUpdate → MaskedUpdate`: only the step
/// before makes the next, and only the last may travel. [dev.comity.update.SumAccumulator] adds
/// masked updates and takes their masks off; [dev.comity.update.AggregateUpdate] is what remains.
@NullMarked
package dev.comity.update;

import org.jspecify.annotations.NullMarked;
