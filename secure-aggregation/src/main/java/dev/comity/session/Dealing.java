package dev.comity.session;

import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// U2 with everything that its sites dealt, and the views that show it.
record Dealing(ShareList shares, SortedMap<SiteId, ShareDeliveries> deliveries) {

  Dealing {
    deliveries = Collections.unmodifiableSortedMap(new TreeMap<>(deliveries));
  }

  static Dealing of(KeyList keys, Map<SiteId, SharingKeys.Dealt> dealt) {
    SortedMap<SiteId, ShareDeliveries> deliveries = new TreeMap<>();
    dealt.forEach((site, each) -> deliveries.put(site, each.deliveries()));
    return new Dealing(
        ShareList.of(keys, dealt.values().stream().map(SharingKeys.Dealt::message).toList()),
        deliveries);
  }

  KeyList keys() {
    return shares.keys();
  }

  Roster roster() {
    return shares.keys().roster();
  }

  Delivery delivery(SiteId dealer, SiteId receiver) {
    ShareDeliveries dealt = deliveries.get(dealer);
    if (dealt == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW, dealer + " dealt no shares in this session");
    }
    return dealt.to(keys(), receiver);
  }

  /// What `receiver` needs to know H2 and its shares.
  CborWriter sharesFor(SiteId receiver) {
    return shares
        .toCbor()
        .maps(
            "deliveries",
            deliveries.entrySet(),
            entry ->
                ReceivedShares.toCbor(
                    entry.getKey(),
                    entry.getValue().to(keys(), receiver),
                    entry.getValue().path(keys(), receiver)));
  }

  /// The headers, and for a site that has not sent a header, and so may not know H2 yet, the shares
  /// as well.
  CborWriter headersFor(SiteId receiver, HeaderList headers) {
    CborWriter content = headers.toCbor();
    return headers.holds(receiver) ? content : content.map("shares", sharesFor(receiver));
  }

  SignedView view(SignedView.Kind kind, CborWriter content, MessageKey aggregator) {
    return SignedView.of(kind, roster().session(), content, aggregator);
  }
}
