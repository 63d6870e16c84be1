/// Sites, invitations, certificates and membership epochs.
@NullMarked
package dev.comity.federation;

import org.jspecify.annotations.NullMarked;
