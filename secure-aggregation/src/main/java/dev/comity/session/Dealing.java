package dev.comity.session;

import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// U2 with everything that its sites dealt, and the views that show it.
record Dealing(ShareList shares, SortedMap<SiteId, ShareDeliveries> deliveries) {

  Dealing {
    deliveries = Collections.unmodifiableSortedMap(new TreeMap<>(deliveries));
  }

  /// Of the dealers in `core`.
  static Dealing of(KeyList keys, PlaceSet core, Map<SiteId, SharingKeys.Dealt> dealt) {
    SortedMap<SiteId, ShareDeliveries> deliveries = new TreeMap<>();
    List<SignedMessage> messages = new ArrayList<>();
    dealt.forEach((site, each) -> {
      if (core.holds(keys.roster().index(site))) {
        deliveries.put(site, each.deliveries());
        messages.add(each.message());
      }
    });
    return new Dealing(ShareList.of(keys, messages), deliveries);
  }

  KeyList keys() {
    return shares.keys();
  }

  Roster roster() {
    return shares.keys().roster();
  }

  Delivery delivery(SiteId dealer, SiteId receiver) {
    return of(dealer).to(keys(), dealer, receiver);
  }

  /// Only who dealt shares has a say and holds shares that count.
  void requireDealer(SiteId sender) {
    if (!shares.holds(sender)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "answer of %s, which dealt no shares; it holds none that count".formatted(sender));
    }
  }

  private ShareDeliveries of(SiteId dealer) {
    ShareDeliveries dealt = deliveries.get(dealer);
    if (dealt == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW, dealer + " dealt no shares in this session");
    }
    return dealt;
  }

  /// What `receiver` needs to know H2 and its shares. On a ring a site deals nothing to itself.
  CborWriter sharesFor(SiteId receiver) {
    KeyList keys = keys();
    return shares
        .shownTo(receiver)
        .maps(
            "deliveries",
            Arrays.stream(keys.receivers(receiver))
                .mapToObj(keys.roster()::site)
                .filter(deliveries::containsKey)
                .toList(),
            dealer -> deliveryToCbor(dealer, receiver));
  }

  private CborWriter deliveryToCbor(SiteId dealer, SiteId receiver) {
    ShareDeliveries dealt = of(dealer);
    return ReceivedShares.toCbor(
        dealer, dealt.to(keys(), dealer, receiver), dealt.path(keys(), dealer, receiver));
  }

  /// The headers, and for a site that has not sent a header, and so may not know H2 yet, the shares
  /// as well.
  CborWriter headersFor(SiteId receiver, HeaderList headers) {
    CborWriter content = headers.shownTo(receiver);
    return headers.holds(receiver) ? content : content.map("shares", sharesFor(receiver));
  }

  SignedView view(SignedView.Kind kind, CborWriter content, MessageKey aggregator) {
    return SignedView.of(kind, roster().session(), content, aggregator);
  }
}
