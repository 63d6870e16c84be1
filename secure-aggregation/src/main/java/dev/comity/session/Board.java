package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/// One phase's messages in a session on a ring, as the aggregator posts them: a Merkle tree over
/// the places of the roster, of which a site is shown the messages that concern it.
///
/// A place whose bit is set has the message's leaf, any other the leaf of an empty place. A site
/// cannot tell whether a bit is true of a place that it is not shown. A bit without a valid message
/// acts as a site that drops out at once: each of its honest neighbours refuses the view.
final class Board {
  private final PlaceSet places;
  private final MerkleTree tree;
  private final Map<SiteId, SignedMessage> messages;
  private final Roster roster;

  private Board(
      Roster roster, PlaceSet places, MerkleTree tree, Map<SiteId, SignedMessage> messages) {
    this.roster = roster;
    this.places = places;
    this.tree = tree;
    this.messages = messages;
  }

  static Board of(Roster roster, Map<SiteId, SignedMessage> messages) {
    PlaceSet places = PlaceSet.of(roster, messages.keySet());
    List<Digest> leaves = new ArrayList<>();
    for (int place = 0; place < roster.size(); place++) {
      SignedMessage message = messages.get(roster.site(place));
      leaves.add(message == null ? empty(place) : leaf(place, message));
    }
    return new Board(roster, places, new MerkleTree(leaves), messages);
  }

  private static Digest leaf(int place, SignedMessage message) {
    return Digest.of(
        new Transcribed()
            .label(Labels.POSTED)
            .number(place)
            .digest(message.digest())
            .toByteArray());
  }

  private static Digest empty(int place) {
    return Digest.of(new Transcribed().label(Labels.EMPTY_PLACE).number(place).toByteArray());
  }

  PlaceSet places() {
    return places;
  }

  Digest root() {
    return tree.root();
  }

  /// The bitmap, the messages at those of `shown` that have one, and what proves them, which is the
  /// root itself when none has.
  CborWriter toCbor(PlaceSet shown) {
    List<SignedMessage> chosen = new ArrayList<>();
    TreeSet<Integer> proven = new TreeSet<>();
    shown
        .places()
        .forEach(place -> {
          SignedMessage message = messages.get(roster.site(place));
          if (message != null) {
            chosen.add(message);
            proven.add(place);
          }
        });
    return new Excerpt(places, root(), Roster.bySender(chosen), tree.proof(proven)).toCbor();
  }

  /// What a site is shown: who has posted, the root, and some of the messages.
  record Excerpt(
      PlaceSet places, Digest root, SortedMap<SiteId, SignedMessage> messages, List<Digest> proof) {
    Excerpt {
      messages = Collections.unmodifiableSortedMap(messages);
      proof = List.copyOf(proof);
    }

    CborWriter toCbor() {
      CborWriter out =
          KeyList.messagesToCbor(messages.values())
              .bytes("places", places.encode())
              .byteStrings(
                  "proof", proof.stream().map(digest -> Bytes.of(digest.bytes())).toList());
      return messages.isEmpty() ? out.bytes("root", root.bytes()) : out;
    }

    /// Computes the root from what is shown, so that the H over it tells every difference; with no
    /// message to show it is told. Verifies no signature.
    static Excerpt read(
        CborReader in, Roster roster, SignedMessage.Phase phase, int mostBodyBytes) {
      int n = roster.size();
      PlaceSet places =
          PlaceSet.decode(n, in.bytes("places", PlaceSet.bytes(n), PlaceSet.bytes(n)));
      SortedMap<SiteId, SignedMessage> messages =
          Roster.bySender(KeyList.messagesFromCbor(in, roster, phase, mostBodyBytes));
      SortedMap<Integer, Digest> leaves = new TreeMap<>();
      for (SignedMessage message : messages.values()) {
        int place = roster.index(message.sender());
        if (!places.holds(place)) {
          throw new IllegalArgumentException(
              "a message of %s, whose place is empty".formatted(message.sender()));
        }
        leaves.put(place, leaf(place, message));
      }
      List<Digest> proof =
          in.byteStrings("proof", Digest.SIZE).stream().map(Digest::ofValue).toList();
      Digest root =
          leaves.isEmpty()
              ? SessionDescriptor.digest(in, "root")
              : MerkleTree.root(leaves, n, proof);
      return new Excerpt(places, root, messages, proof);
    }

    /// Refused unless the messages are exactly those of `wanted` that have posted.
    void requireMessagesOf(Roster roster, PlaceSet wanted) {
      PlaceSet expected = PlaceSet.of(roster.size(), wanted.places().filter(places::holds));
      if (!PlaceSet.of(roster, messages.keySet()).equals(expected)) {
        throw new SessionRefusal(
            SessionRefusal.Reason.INCONSISTENT_VIEW,
            "shown the messages of %d sites; must be those of the %d that concern this one"
                .formatted(messages.size(), expected.size()));
      }
    }
  }
}
