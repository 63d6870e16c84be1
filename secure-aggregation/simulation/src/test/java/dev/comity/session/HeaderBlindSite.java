package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// A site that votes for whatever headers it is shown, without asking whether they carry its own
/// H2, and that answers a certificate of them. What a site without the check of P4 would do; it
/// lives in the package of the session to reach the pieces of one.
public final class HeaderBlindSite {
  private HeaderBlindSite() {}

  /// The answer to a view of headers alone or of a certificate of them; empty for any other.
  public static Optional<SignedMessage> answer(
      SiteSession.Site site, SiteSession session, SignedView.Kind kind, byte[] view) {
    KeptSession kept = KeptSession.of(site.vault(), session.id());
    try {
      return switch (kind) {
        case HEADERS -> Optional.of(vote(site, kept, headers(kept, kind, view)));
        case CERTIFICATE -> Optional.of(unmask(site, kept, headers(kept, kind, view)));
        case DESCRIPTOR, KEYS, SHARES, RELEASE, ABORT_PROPOSAL -> Optional.empty();
      };
    } catch (MalformedException | SessionRefusal _) {
      return Optional.empty(); // some other view: for the session itself
    }
  }

  private static List<SignedMessage> headers(KeptSession kept, SignedView.Kind kind, byte[] view) {
    return SignedView.decode(view)
        .read(
            kind,
            kept.roster().session(),
            kept.aggregator(),
            in -> {
              in.optionalBytes("certificate", 1, 1 << 20);
              return KeyList.messagesFromCbor(
                  in, kept.roster(), SignedMessage.Phase.MASKED_INPUT, InputHeader.MOST_BYTES);
            });
  }

  private static SignedMessage vote(
      SiteSession.Site site, KeptSession kept, List<SignedMessage> headers) {
    Digest h3 = Chain.h3(received(site, kept).shares().h(), Chain.headers(headers));
    return SignedMessage.sign(
        kept.roster().session(),
        site.id(),
        SignedMessage.Phase.VOTE,
        h3,
        Ballot.COMMIT.body(),
        site.key());
  }

  private static SignedMessage unmask(
      SiteSession.Site site, KeptSession kept, List<SignedMessage> headers) {
    ReceivedShares received = received(site, kept);
    SortedMap<SiteId, SignedMessage> survivors = Roster.bySender(headers);
    Map<SiteId, Secrets.SharePair> shares = new HashMap<>(received.open(secrets(site, kept)));
    secrets(site, kept)
        .deal(received.peers(), site.id())
        .own()
        .ifPresent(own -> shares.put(site.id(), own));
    SortedMap<SiteId, Bytes> seedShares = new TreeMap<>();
    SortedMap<SiteId, Bytes> keyShares = new TreeMap<>();
    shares.forEach((dealer, pair) -> {
      if (survivors.containsKey(dealer)) {
        seedShares.put(dealer, pair.seedShare());
      } else {
        keyShares.put(dealer, pair.keyShare());
      }
    });
    return SignedMessage.sign(
        kept.roster().session(),
        site.id(),
        SignedMessage.Phase.UNMASK,
        Chain.h3(received.shares().h(), Chain.headers(headers)),
        new UnmaskAnswer(seedShares, keyShares).encode(),
        site.key());
  }

  private static Secrets secrets(SiteSession.Site site, KeptSession kept) {
    return new Secrets(kept.roster().session(), item(site, kept, SiteVault.Item.SEED));
  }

  private static ReceivedShares received(SiteSession.Site site, KeptSession kept) {
    KeyList keys =
        CborReader.read(
            item(site, kept, SiteVault.Item.KEYS_SHOWN),
            "keys",
            in -> KeyList.fromCbor(kept.roster(), in));
    return CborReader.read(
        item(site, kept, SiteVault.Item.SHARES_SHOWN),
        "shares",
        in -> ReceivedShares.read(keys, site.id(), in));
  }

  private static byte[] item(SiteSession.Site site, KeptSession kept, SiteVault.Item item) {
    return site.vault()
        .kept(kept.roster().session(), item)
        .orElseThrow(() ->
            new SessionRefusal(
                SessionRefusal.Reason.OUT_OF_ORDER, "nothing of " + item + " was shown yet"));
  }
}
