/// The one wire form of every document that is hashed or signed: deterministic CBOR (RFC 8949,
/// section 4.2.1), narrowed to what the documents need. A map has text keys, sorted by their
/// encoded bytes; numbers are 64-bit integers or finite 64-bit floats (never shortened, an
/// application rule that section 4.2.2 allows); there are no tags, no null, no indefinite lengths.
@NullMarked
package dev.comity.codec;

import org.jspecify.annotations.NullMarked;
