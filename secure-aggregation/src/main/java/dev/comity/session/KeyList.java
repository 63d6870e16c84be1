package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/// U1 whole: all advertised keys, H1 over them and the graph. The aggregator has it, and on the
/// complete graph every site.
record KeyList(
    Roster roster,
    SortedMap<SiteId, SignedMessage> messages,
    SortedMap<SiteId, Advertisement> advertisements,
    List<SiteId> sites,
    PlaceSet places,
    Digest h1,
    Optional<OnRing> onRing)
    implements Peers {

  /// What a session on a ring has beside.
  record OnRing(Board board, GraphRule.Ring parameters, HararyRing ring) {}

  KeyList {
    sites = List.copyOf(sites);
    messages = Collections.unmodifiableSortedMap(messages);
    advertisements = Collections.unmodifiableSortedMap(advertisements);
  }

  /// Checks everything but the signatures: at least m sites, canonical keys, no key twice, and that
  /// there is a graph of that many sites.
  static KeyList of(Roster roster, Collection<SignedMessage> received) {
    SortedMap<SiteId, SignedMessage> messages = Roster.bySender(received);
    roster.requireSurvivors("sites advertised keys", messages.size());
    SortedMap<SiteId, Advertisement> advertisements = Advertisement.ofAll(messages.values());
    PlaceSet places = PlaceSet.of(roster, messages.keySet());
    Digest h1;
    Optional<OnRing> onRing;
    switch (roster.descriptor().graph()) {
      case SessionDescriptor.Graph.Complete _ -> {
        h1 = Chain.h1(roster, messages.values());
        onRing = Optional.empty();
      }
      case SessionDescriptor.Graph.Regular regular -> {
        Board board = Board.of(roster, messages);
        h1 = Chain.posted(Labels.H1, roster.session(), places, board.root());
        GraphRule.Ring parameters = regular.ring(roster, places.size());
        onRing =
            Optional.of(
                new OnRing(
                    board,
                    parameters,
                    HararyRing.of(h1, places, roster.size(), parameters.degree())));
      }
    }
    return new KeyList(
        roster, messages, advertisements, List.copyOf(messages.keySet()), places, h1, onRing);
  }

  /// As `of`, and verifies every signature. Of the complete graph.
  static KeyList fromCbor(Roster roster, CborReader in) {
    List<SignedMessage> received =
        messagesFromCbor(in, roster, SignedMessage.Phase.ADVERTISE_KEYS, Advertisement.MOST_BYTES);
    roster.verifyAll(received, roster.session());
    return of(roster, received);
  }

  CborWriter toCbor() {
    return messagesToCbor(messages.values());
  }

  /// What `site` is shown: everything, or what concerns it on the ring.
  CborWriter shownTo(SiteId site) {
    return onRing.map(with -> with.board().toCbor(neighbourhood(site))).orElseGet(this::toCbor);
  }

  /// `site` and its neighbours on the ring.
  PlaceSet neighbourhood(SiteId site) {
    return NeighbourKeys.neighbourhood(roster, receivers(site), site);
  }

  Advertisement of(SiteId site) {
    Advertisement advertisement = advertisements.get(site);
    if (advertisement == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW, site + " advertised no keys in this session");
    }
    return advertisement;
  }

  @Override
  public Bytes maskKey(SiteId site) {
    return of(site).maskKey();
  }

  @Override
  public Bytes channelKey(SiteId site) {
    return of(site).channelKey();
  }

  @Override
  public int shareThreshold() {
    return onRing.map(with -> with.parameters().threshold()).orElseGet(roster::threshold);
  }

  @Override
  public int mostMissing() {
    return onRing
        .map(with -> with.parameters().mostColluding())
        .orElseGet(() -> roster.descriptor().quorum().nC());
  }

  @Override
  public int[] receivers(SiteId dealer) {
    int place = place(dealer);
    return onRing
        .map(with -> with.ring().neighbours(place))
        .orElseGet(() -> places.places().toArray());
  }

  @Override
  public int slot(SiteId dealer, SiteId receiver) {
    place(dealer);
    int slot =
        onRing.isPresent()
            ? onRing.get().ring().slot(roster.index(dealer), place(receiver))
            : Collections.binarySearch(sites, receiver);
    if (slot < 0) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW,
          "%s deals no share to %s in this session".formatted(dealer, receiver));
    }
    return slot;
  }

  @Override
  public boolean connected(PlaceSet sites) {
    return onRing
        .map(with -> with.ring().everyoneHas(with.parameters().threshold(), sites))
        .orElse(true);
  }

  /// The largest part of `sites` that is `connected`.
  PlaceSet core(PlaceSet sites) {
    return onRing.map(with -> with.ring().core(with.parameters().threshold(), sites)).orElse(sites);
  }

  /// Place of `site` in the roster; refused unless it is in U1.
  int place(SiteId site) {
    int place = roster.index(site);
    if (!places.holds(place)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW, site + " advertised no keys in this session");
    }
    return place;
  }

  static CborWriter messagesToCbor(Collection<SignedMessage> messages) {
    return CborWriter.map().maps("messages", messages, SignedMessage::toCbor);
  }

  static List<SignedMessage> messagesFromCbor(
      CborReader in, Roster roster, SignedMessage.Phase phase, int mostBodyBytes) {
    return in.maps(
        "messages", each -> SignedMessage.fromCbor(each, roster.session(), phase, mostBodyBytes));
  }
}
