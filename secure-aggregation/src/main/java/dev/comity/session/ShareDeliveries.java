package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.List;

/// The body of P2: the signed commitment, which is the Merkle root over the deliveries, and the
/// deliveries, one for each site of U1 in its order, the dealer's own included.
record ShareDeliveries(MerkleTree tree, List<Delivery> deliveries) {
  static final int MOST_COMMITMENT_BYTES = 64;
  static final int MOST_BYTES = 1 << 20;

  private record Announced(Digest root, List<Delivery> deliveries) {}

  ShareDeliveries {
    deliveries = List.copyOf(deliveries);
  }

  static ShareDeliveries of(KeyList keys, SiteId dealer, List<Delivery> deliveries) {
    return new ShareDeliveries(tree(keys, dealer, deliveries), deliveries);
  }

  byte[] encode() {
    return CborWriter.map()
        .bytes("commitment", commitment(tree.root()))
        .maps("deliveries", deliveries, Delivery::toCbor)
        .toBytes();
  }

  /// The signed part of a P2 body; of a published message the body is the commitment itself.
  static byte[] commitmentIn(byte[] body) {
    if (body.length <= MOST_COMMITMENT_BYTES) {
      return body;
    }
    return Refusals.malformed(
        "SHARE_KEYS",
        () ->
            CborReader.read(
                body,
                "ShareKeys",
                in -> {
                  in.maps("deliveries", Delivery::fromCbor);
                  return in.bytes("commitment", 1, MOST_COMMITMENT_BYTES).toByteArray();
                }));
  }

  static Digest root(byte[] commitment) {
    return Refusals.malformed(
        "share commitment",
        () ->
            CborReader.read(
                commitment, "ShareCommitment", in -> SessionDescriptor.digest(in, "root")));
  }

  /// Reads and checks what `dealer` sends: receivers exactly U1, exact sizes, the root over the
  /// deliveries.
  static ShareDeliveries received(KeyList keys, SignedMessage message) {
    Announced announced =
        Refusals.malformed(
            "SHARE_KEYS of " + message.sender(),
            () ->
                CborReader.read(
                    message.body().toByteArray(),
                    "ShareKeys",
                    in ->
                        new Announced(
                            root(in.bytes("commitment", 1, MOST_COMMITMENT_BYTES).toByteArray()),
                            in.maps("deliveries", Delivery::fromCbor))));
    List<SiteId> receivers = announced.deliveries.stream().map(Delivery::receiver).toList();
    if (!receivers.equals(keys.sites())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MALFORMED,
          "SHARE_KEYS of %s: must deal to each of the %d sites that advertised keys, in order"
              .formatted(message.sender(), keys.sites().size()));
    }
    for (Delivery delivery : announced.deliveries) {
      int wanted = delivery.receiver().equals(message.sender()) ? 0 : Delivery.CIPHERTEXT_BYTES;
      if (delivery.ciphertext().size() != wanted) {
        throw new SessionRefusal(
            SessionRefusal.Reason.MALFORMED,
            "SHARE_KEYS of %s: ciphertext of %d bytes for %s; must be %d"
                .formatted(
                    message.sender(), delivery.ciphertext().size(), delivery.receiver(), wanted));
      }
    }
    ShareDeliveries shares = of(keys, message.sender(), announced.deliveries);
    if (!shares.tree.root().equals(announced.root)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "SHARE_KEYS of %s: the deliveries are not those of the signed root"
              .formatted(message.sender()));
    }
    return shares;
  }

  Delivery to(KeyList keys, SiteId receiver) {
    return deliveries.get(keys.place(receiver));
  }

  List<Digest> path(KeyList keys, SiteId receiver) {
    return tree.path(keys.place(receiver));
  }

  private static MerkleTree tree(KeyList keys, SiteId dealer, List<Delivery> deliveries) {
    List<Digest> leaves = new ArrayList<>();
    int dealerIndex = keys.roster().index(dealer);
    for (Delivery delivery : deliveries) {
      leaves.add(
          delivery.leaf(
              keys.roster().session(), dealerIndex, keys.roster().index(delivery.receiver())));
    }
    return new MerkleTree(leaves);
  }

  private static byte[] commitment(Digest root) {
    return CborWriter.map().bytes("root", root.bytes()).toBytes();
  }
}
