/// A site's part in the federation: composes policy, resources, data, training, protection and
/// link.
@NullMarked
package dev.comity.agent.participation;

import org.jspecify.annotations.NullMarked;
