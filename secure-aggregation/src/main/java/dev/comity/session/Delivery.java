package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;

/// What a dealer sends one receiver: the encrypted shares of its self-mask seed and of its mask
/// key, and the hashes of both shares, by which anybody who is shown a share later knows whether it
/// is the one that was dealt. A share has more than 256 bits of entropy, so its hash tells nothing.
/// To itself a dealer sends an empty ciphertext.
record Delivery(SiteId receiver, Bytes ciphertext, Digest seedShare, Digest keyShare) {
  static final int CIPHERTEXT_BYTES = 2 * Shamir.SHARE_BYTES + 16;

  static Digest commitment(String label, Digest session, int dealer, int receiver, byte[] share) {
    return Digest.of(
        new Transcribed()
            .label(label)
            .digest(session)
            .number(dealer)
            .number(receiver)
            .bytes(share)
            .toByteArray());
  }

  /// The leaf of the dealer's Merkle tree.
  Digest leaf(Digest session, int dealerIndex, int receiverIndex) {
    return Digest.of(
        new Transcribed()
            .label(Labels.SHARE_LEAF)
            .digest(session)
            .number(dealerIndex)
            .number(receiverIndex)
            .digest(Digest.of(ciphertext.toByteArray()))
            .digest(seedShare)
            .digest(keyShare)
            .toByteArray());
  }

  CborWriter toCbor() {
    return CborWriter.map()
        .text("receiver", receiver.value())
        .bytes("ciphertext", ciphertext)
        .bytes("seedShare", seedShare.bytes())
        .bytes("keyShare", keyShare.bytes());
  }

  static Delivery fromCbor(CborReader in) {
    return new Delivery(
        new SiteId(in.text("receiver")),
        in.bytes("ciphertext", 0, CIPHERTEXT_BYTES),
        SessionDescriptor.digest(in, "seedShare"),
        SessionDescriptor.digest(in, "keyShare"));
  }
}
