package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.stream.IntStream;

/// P1 as one site of a ring knows it: who is in U1, and the keys of its neighbours. Kept small: in
/// a session of 10,000 sites it is 40 KB instead of the 6 MB of all messages.
final class NeighbourKeys implements Peers {
  private final Roster roster;
  private final SiteId self;
  private final PlaceSet places;
  private final Digest h1;
  private final GraphRule.Ring parameters;
  private final int[] neighbours;

  /// Of `neighbours[i]`: mask key, then channel key.
  private final byte[] keys;

  private NeighbourKeys(
      Roster roster,
      SiteId self,
      PlaceSet places,
      Digest h1,
      GraphRule.Ring parameters,
      int[] neighbours,
      byte[] keys) {
    this.roster = roster;
    this.self = self;
    this.places = places;
    this.h1 = h1;
    this.parameters = parameters;
    this.neighbours = neighbours;
    this.keys = keys;
  }

  /// Checks what a view of keys shows `self`: at least m sites, that it shows the neighbours that
  /// the ring over U1 gives this site and this site itself, their signatures and their keys.
  static ShownKeys read(
      Roster roster, SessionDescriptor.Graph.Regular graph, SiteId self, CborReader in) {
    Board.Excerpt shown =
        Board.Excerpt.read(
            in, roster, SignedMessage.Phase.ADVERTISE_KEYS, Advertisement.MOST_BYTES);
    roster.requireSurvivors("sites advertised keys", shown.places().size());
    SignedMessage own = shown.messages().get(self);
    if (own == null) {
      throw ShownKeys.lacksOwn();
    }
    Digest h1 = Chain.posted(Labels.H1, roster.session(), shown.places(), shown.root());
    GraphRule.Ring parameters = graph.ring(roster, shown.places().size());
    int[] neighbours =
        HararyRing.of(h1, shown.places(), roster.size(), parameters.degree())
            .neighbours(roster.index(self));
    shown.requireMessagesOf(roster, neighbourhood(roster, neighbours, self));
    roster.verifyAll(shown.messages().values(), roster.session());
    SortedMap<SiteId, Advertisement> advertisements =
        Advertisement.ofAll(shown.messages().values());
    byte[] keys = new byte[2 * X25519.KEY_BYTES * neighbours.length];
    for (int i = 0; i < neighbours.length; i++) {
      Advertisement theirs = advertisements.get(roster.site(neighbours[i]));
      if (theirs != null) {
        put(keys, 2 * i, theirs.maskKey());
        put(keys, 2 * i + 1, theirs.channelKey());
      }
    }
    return new ShownKeys(
        new NeighbourKeys(roster, self, shown.places(), h1, parameters, neighbours, keys),
        own,
        advertisements,
        shown.toCbor());
  }

  static PlaceSet neighbourhood(Roster roster, int[] neighbours, SiteId self) {
    return PlaceSet.of(
        roster.size(),
        IntStream.concat(IntStream.of(roster.index(self)), Arrays.stream(neighbours)));
  }

  private static void put(byte[] keys, int at, Bytes key) {
    System.arraycopy(key.toByteArray(), 0, keys, at * X25519.KEY_BYTES, X25519.KEY_BYTES);
  }

  private Bytes key(int at) {
    return Bytes.of(Arrays.copyOfRange(keys, at * X25519.KEY_BYTES, (at + 1) * X25519.KEY_BYTES));
  }

  /// This site and its neighbours.
  PlaceSet neighbourhood() {
    return neighbourhood(roster, neighbours, self);
  }

  @Override
  public Roster roster() {
    return roster;
  }

  @Override
  public Digest h1() {
    return h1;
  }

  @Override
  public PlaceSet places() {
    return places;
  }

  @Override
  public Bytes maskKey(SiteId site) {
    return key(2 * slotHere(site));
  }

  @Override
  public Bytes channelKey(SiteId site) {
    return key(2 * slotHere(site) + 1);
  }

  @Override
  public int shareThreshold() {
    return parameters.threshold();
  }

  @Override
  public int mostMissing() {
    return parameters.mostColluding();
  }

  @Override
  public int[] receivers(SiteId dealer) {
    requireSelf(dealer);
    return neighbours.clone();
  }

  /// What lies i places after this site on the ring has this site i places before it.
  @Override
  public int slot(SiteId dealer, SiteId receiver) {
    if (dealer.equals(self)) {
      return slotHere(receiver);
    }
    requireSelf(receiver);
    return neighbours.length - 1 - slotHere(dealer);
  }

  @Override
  public boolean connected(PlaceSet sites) {
    return HararyRing.of(h1, places, roster.size(), parameters.degree())
        .everyoneHas(parameters.threshold(), sites);
  }

  private int slotHere(SiteId site) {
    int place = roster.index(site);
    return IntStream.range(0, neighbours.length)
        .filter(i -> neighbours[i] == place)
        .findFirst()
        .orElseThrow(() ->
            new SessionRefusal(
                SessionRefusal.Reason.INCONSISTENT_VIEW,
                site + " is no neighbour of this site in this session"));
  }

  private void requireSelf(SiteId site) {
    if (!site.equals(self)) {
      throw new IllegalArgumentException("of " + site + " this site knows the keys alone");
    }
  }
}
