/// The append-only audit log: Merkle tree and proofs, signed heads, countersignatures, entries.
@NullMarked
package dev.comity.transparency;

import org.jspecify.annotations.NullMarked;
