package dev.comity.session;

import dev.comity.codec.Bytes;

/// A COMMIT certificate and its bytes, which every site of U2 is shown: T votes are encoded once.
record CommitProof(Certificate.Commit commit, Bytes encoded) {
  static CommitProof of(Certificate.Commit commit) {
    return new CommitProof(commit, Bytes.of(commit.encode()));
  }
}
