package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;

/// The body of P3's header: the H2 that this site saw and the chunk root of its masked vector.
record InputHeader(Digest h2, Digest chunkRoot) {
  static final int MOST_BYTES = 128;

  byte[] encode() {
    return CborWriter.map().bytes("h2", h2.bytes()).bytes("chunkRoot", chunkRoot.bytes()).toBytes();
  }

  static InputHeader of(SignedMessage message) {
    return Refusals.malformed(
        "header of " + message.sender(),
        () ->
            CborReader.read(
                message.body().toByteArray(),
                "InputHeader",
                in ->
                    new InputHeader(
                        SessionDescriptor.digest(in, "h2"),
                        SessionDescriptor.digest(in, "chunkRoot"))));
  }
}
