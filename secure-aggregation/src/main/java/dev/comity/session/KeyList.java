package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/// U1: the advertised keys, and H1 over them.
record KeyList(
    Roster roster,
    SortedMap<SiteId, SignedMessage> messages,
    SortedMap<SiteId, Advertisement> advertisements,
    List<SiteId> sites,
    Digest h1) {

  KeyList {
    sites = List.copyOf(sites);
    messages = Collections.unmodifiableSortedMap(messages);
    advertisements = Collections.unmodifiableSortedMap(advertisements);
  }

  /// Checks everything but the signatures: at least m sites, canonical keys, no key twice.
  static KeyList of(Roster roster, Collection<SignedMessage> received) {
    SortedMap<SiteId, SignedMessage> messages = Roster.bySender(received);
    if (messages.size() < roster.minSurvivors()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM,
          "%d sites advertised keys; must be >= minSurvivors %d"
              .formatted(messages.size(), roster.minSurvivors()));
    }
    SortedMap<SiteId, Advertisement> advertisements = new TreeMap<>();
    Map<Bytes, SiteId> owners = new HashMap<>();
    for (SignedMessage message : messages.values()) {
      Advertisement advertisement = Advertisement.of(message);
      for (Bytes key : List.of(advertisement.maskKey(), advertisement.channelKey())) {
        SiteId other = owners.putIfAbsent(key, message.sender());
        if (other != null) {
          throw new SessionRefusal(
              SessionRefusal.Reason.BAD_KEY,
              "one X25519 key serves twice: of %s and of %s".formatted(other, message.sender()));
        }
      }
      advertisements.put(message.sender(), advertisement);
    }
    return new KeyList(
        roster,
        messages,
        advertisements,
        List.copyOf(messages.keySet()),
        Chain.h1(roster, messages.values()));
  }

  /// As `of`, and verifies every signature.
  static KeyList fromCbor(Roster roster, CborReader in) {
    List<SignedMessage> received =
        messagesFromCbor(in, roster, SignedMessage.Phase.ADVERTISE_KEYS, Advertisement.MOST_BYTES);
    roster.verifyAll(received, roster.session());
    return of(roster, received);
  }

  CborWriter toCbor() {
    return messagesToCbor(messages.values());
  }

  Advertisement of(SiteId site) {
    Advertisement advertisement = advertisements.get(site);
    if (advertisement == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.INCONSISTENT_VIEW, site + " advertised no keys in this session");
    }
    return advertisement;
  }

  /// Place of `site` in U1, from 0.
  int place(SiteId site) {
    int place = Collections.binarySearch(sites, site);
    if (place < 0) {
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
