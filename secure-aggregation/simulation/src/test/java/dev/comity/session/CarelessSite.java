package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// Sites without one of the checks of the session. They live in its package to reach its pieces.
public final class CarelessSite {
  private CarelessSite() {}

  /// Votes for whatever headers it is shown, without asking whether they carry its own H2, and
  /// answers a certificate of them: what a site without the check of P4 would do. Empty for any
  /// other view.
  public static Optional<SignedMessage> answerBlindly(
      SiteSession.Site site, SiteSession session, SignedView.Kind kind, byte[] view) {
    KeptSession kept = KeptSession.of(site.vault(), session.id());
    if (site.vault().kept(session.id(), SiteVault.Item.ABORT).isPresent()) {
      return Optional.empty();
    }
    try {
      return switch (kind) {
        case HEADERS ->
            once(site, kept, SiteVault.Item.COMMIT, vote(site, kept, headers(kept, kind, view)));
        case CERTIFICATE ->
            once(site, kept, SiteVault.Item.ANSWER, unmask(site, kept, headers(kept, kind, view)));
        case DESCRIPTOR, KEYS, SHARES, RELEASE, ABORT_PROPOSAL -> Optional.empty();
      };
    } catch (MalformedException | SessionRefusal _) {
      return Optional.empty(); // some other view: for the session itself
    }
  }

  /// An answer of P5 that holds both shares of everybody.
  public static SignedMessage revealEverything(SiteSession.Site site, SiteSession session) {
    KeptSession kept = KeptSession.of(site.vault(), session.id());
    SortedMap<SiteId, Bytes> seedShares = new TreeMap<>();
    SortedMap<SiteId, Bytes> keyShares = new TreeMap<>();
    shares(site, kept)
        .forEach((dealer, pair) -> {
          seedShares.put(dealer, pair.seedShare());
          keyShares.put(dealer, pair.keyShare());
        });
    return SignedMessage.sign(
        session.id(),
        site.id(),
        SignedMessage.Phase.UNMASK,
        session.id(),
        new UnmaskAnswer(seedShares, keyShares).encode(),
        site.key());
  }

  private static Map<SiteId, Secrets.SharePair> shares(SiteSession.Site site, KeptSession kept) {
    ReceivedShares received = received(site, kept);
    Map<SiteId, Secrets.SharePair> shares = new HashMap<>(received.open(secrets(site, kept)));
    secrets(site, kept)
        .deal(received.peers(), site.id())
        .own()
        .ifPresent(own -> shares.put(site.id(), own));
    return shares;
  }

  /// What it said before it says again, and nothing else.
  private static Optional<SignedMessage> once(
      SiteSession.Site site, KeptSession kept, SiteVault.Item item, SignedMessage message) {
    Digest session = kept.roster().session();
    byte[] said = message.toCbor().toBytes();
    Optional<byte[]> before = site.vault().kept(session, item);
    if (before.isPresent()) {
      return Optional.of(message).filter(_ -> Arrays.equals(before.get(), said));
    }
    site.vault().keep(session, item, said);
    return Optional.of(message);
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
    SortedMap<SiteId, Bytes> seedShares = new TreeMap<>();
    SortedMap<SiteId, Bytes> keyShares = new TreeMap<>();
    shares(site, kept)
        .forEach((dealer, pair) -> {
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
