package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The body of P2: the signed commitment, which is the Merkle root over the deliveries, and the
/// deliveries, one for each receiver in the order of `Peers.receivers`; on the complete graph the
/// dealer's own is among them.
///
/// Kept as the bytes of the deliveries and their tree, 224 a receiver: the aggregator has one of
/// these of each site.
final class ShareDeliveries {
  static final int MOST_COMMITMENT_BYTES = 64;
  static final int MOST_BYTES = 1 << 20;
  private static final int SLOT_BYTES = Delivery.CIPHERTEXT_BYTES + 2 * Digest.SIZE;

  private record Announced(Digest root, List<Delivery> deliveries) {}

  private final MerkleTree tree;

  /// Ciphertext and the two hashes of each receiver; of the dealer's own slot no ciphertext.
  private final byte[] slots;

  /// The slot of the dealer itself, or −1.
  private final int own;

  private ShareDeliveries(MerkleTree tree, byte[] slots, int own) {
    this.tree = tree;
    this.slots = slots;
    this.own = own;
  }

  /// `deliveries` go to the receivers of `dealer`, in their order.
  static ShareDeliveries of(Peers peers, SiteId dealer, List<Delivery> deliveries) {
    byte[] slots = new byte[SLOT_BYTES * deliveries.size()];
    List<Digest> leaves = new ArrayList<>();
    Roster roster = peers.roster();
    int own = -1;
    for (int slot = 0; slot < deliveries.size(); slot++) {
      Delivery delivery = deliveries.get(slot);
      byte[] ciphertext = delivery.ciphertext().toByteArray();
      int at = slot * SLOT_BYTES;
      System.arraycopy(ciphertext, 0, slots, at, ciphertext.length);
      at += Delivery.CIPHERTEXT_BYTES;
      System.arraycopy(delivery.seedShare().bytes(), 0, slots, at, Digest.SIZE);
      System.arraycopy(delivery.keyShare().bytes(), 0, slots, at + Digest.SIZE, Digest.SIZE);
      own = delivery.receiver().equals(dealer) ? slot : own;
      leaves.add(
          delivery.leaf(roster.session(), roster.index(dealer), roster.index(delivery.receiver())));
    }
    return new ShareDeliveries(new MerkleTree(leaves), slots, own);
  }

  /// The body of the dealer's message.
  byte[] encode(Peers peers, SiteId dealer) {
    return CborWriter.map()
        .bytes("commitment", commitment())
        .maps("deliveries", deliveries(peers, dealer), Delivery::toCbor)
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

  /// Reads and checks what a dealer sends: exactly its receivers, exact sizes, the root over the
  /// deliveries.
  static ShareDeliveries received(Peers peers, SignedMessage message) {
    SiteId dealer = message.sender();
    Announced announced =
        Refusals.malformed(
            "SHARE_KEYS of " + dealer,
            () ->
                CborReader.read(
                    message.body().toByteArray(),
                    "ShareKeys",
                    in ->
                        new Announced(
                            root(in.bytes("commitment", 1, MOST_COMMITMENT_BYTES).toByteArray()),
                            in.maps("deliveries", Delivery::fromCbor))));
    List<SiteId> receivers = announced.deliveries.stream().map(Delivery::receiver).toList();
    List<SiteId> wanted = receivers(peers, dealer);
    if (!receivers.equals(wanted)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MALFORMED,
          "SHARE_KEYS of %s: must deal to each of the %d sites that it shares with, in order"
              .formatted(dealer, wanted.size()));
    }
    for (Delivery delivery : announced.deliveries) {
      int size = delivery.receiver().equals(dealer) ? 0 : Delivery.CIPHERTEXT_BYTES;
      if (delivery.ciphertext().size() != size) {
        throw new SessionRefusal(
            SessionRefusal.Reason.MALFORMED,
            "SHARE_KEYS of %s: ciphertext of %d bytes for %s; must be %d"
                .formatted(dealer, delivery.ciphertext().size(), delivery.receiver(), size));
      }
    }
    ShareDeliveries shares = of(peers, dealer, announced.deliveries);
    if (!shares.tree.root().equals(announced.root)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "SHARE_KEYS of %s: the deliveries are not those of the signed root".formatted(dealer));
    }
    return shares;
  }

  private static List<SiteId> receivers(Peers peers, SiteId dealer) {
    return Arrays.stream(peers.receivers(dealer)).mapToObj(peers.roster()::site).toList();
  }

  List<Delivery> deliveries(Peers peers, SiteId dealer) {
    List<SiteId> receivers = receivers(peers, dealer);
    List<Delivery> deliveries = new ArrayList<>();
    for (int slot = 0; slot < receivers.size(); slot++) {
      deliveries.add(delivery(slot, receivers.get(slot)));
    }
    return List.copyOf(deliveries);
  }

  private Delivery delivery(int slot, SiteId receiver) {
    int at = slot * SLOT_BYTES;
    int size = slot == own ? 0 : Delivery.CIPHERTEXT_BYTES;
    return new Delivery(
        receiver,
        Bytes.of(Arrays.copyOfRange(slots, at, at + size)),
        digest(at + Delivery.CIPHERTEXT_BYTES),
        digest(at + Delivery.CIPHERTEXT_BYTES + Digest.SIZE));
  }

  private Digest digest(int at) {
    return Digest.ofValue(Arrays.copyOfRange(slots, at, at + Digest.SIZE));
  }

  Delivery to(Peers peers, SiteId dealer, SiteId receiver) {
    return delivery(peers.slot(dealer, receiver), receiver);
  }

  List<Digest> path(Peers peers, SiteId dealer, SiteId receiver) {
    return tree.path(peers.slot(dealer, receiver));
  }

  /// What the dealer signs, and all that other sites are shown of its message.
  byte[] commitment() {
    return commitment(tree.root());
  }

  private static byte[] commitment(Digest root) {
    return CborWriter.map().bytes("root", root.bytes()).toBytes();
  }
}
