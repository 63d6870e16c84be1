package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;

/// The two votes of P4. The body tells only the choice: what a COMMIT commits to is the H3 under
/// its signature.
enum Ballot {
  COMMIT,
  ABORT;

  static final int MOST_BYTES = 32;

  byte[] body() {
    return CborWriter.map().text("choice", name()).toBytes();
  }

  /// The body of a RELEASE, which is no ballot: what it releases is the H3 under its signature.
  static byte[] releaseBody() {
    return CborWriter.map().bool("release", true).toBytes();
  }

  static Ballot decode(byte[] body) {
    return Refusals.malformed(
        "vote", () -> CborReader.read(body, "Vote", in -> Ballot.valueOf(in.text("choice"))));
  }
}
