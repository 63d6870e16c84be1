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

  /// Votes for whatever headers it is shown, without asking whether they carry its own H2 or keep
  /// neighbours, and on a ring releases them and answers a certificate of them without asking for
  /// RELEASEs: what a site without the checks of P4 and P5 would do. Empty for any other view.
  public static Optional<SignedMessage> answerBlindly(
      SiteSession.Site site, SiteSession session, SignedView.Kind kind, byte[] view) {
    KeptSession kept = KeptSession.of(site.vault(), session.id());
    if (site.vault().kept(session.id(), SiteVault.Item.ABORT).isPresent()) {
      return Optional.empty();
    }
    try {
      return switch (kind) {
        case HEADERS ->
            once(
                site,
                kept,
                SiteVault.Item.COMMIT,
                signed(
                    site,
                    kept,
                    SignedMessage.Phase.VOTE,
                    survivors(site, kept, kind, view),
                    Ballot.COMMIT.body()));
        case RELEASE ->
            once(
                site,
                kept,
                SiteVault.Item.RELEASE,
                signed(
                    site,
                    kept,
                    SignedMessage.Phase.RELEASE,
                    survivors(site, kept, kind, view),
                    Ballot.releaseBody()));
        case CERTIFICATE -> {
          Seen survivors = survivors(site, kept, kind, view);
          yield once(
              site,
              kept,
              SiteVault.Item.ANSWER,
              signed(
                  site,
                  kept,
                  SignedMessage.Phase.UNMASK,
                  survivors,
                  unmask(site, kept, survivors)));
        }
        case DESCRIPTOR, KEYS, SHARES, ABORT_PROPOSAL -> Optional.empty();
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

  /// Whoever is shown as survivors, and the H3 over them.
  private static Seen survivors(
      SiteSession.Site site, KeptSession kept, SignedView.Kind kind, byte[] view) {
    Roster roster = kept.roster();
    Seen shares = received(site, kept).shares();
    return SignedView.decode(view)
        .read(
            kind,
            roster.session(),
            kept.aggregator(),
            in -> {
              in.optionalBytes("certificate", 1, 1 << 20);
              if (in.has("releases")) {
                in.maps("releases", Votes::fromCbor);
              }
              return switch (roster.descriptor().graph()) {
                case SessionDescriptor.Graph.Complete _ -> {
                  List<SignedMessage> headers =
                      KeyList.messagesFromCbor(
                          in, roster, SignedMessage.Phase.MASKED_INPUT, InputHeader.MOST_BYTES);
                  yield new Seen(
                      PlaceSet.of(roster, Roster.bySender(headers).keySet()),
                      Chain.h3(shares.h(), Chain.headers(headers)));
                }
                case SessionDescriptor.Graph.Regular _ -> {
                  Board.Excerpt shown =
                      Board.Excerpt.read(
                          in, roster, SignedMessage.Phase.MASKED_INPUT, InputHeader.MOST_BYTES);
                  yield new Seen(
                      shown.places(),
                      Chain.posted(Labels.H3, shares.h(), shown.places(), shown.root()));
                }
              };
            });
  }

  private static SignedMessage signed(
      SiteSession.Site site,
      KeptSession kept,
      SignedMessage.Phase phase,
      Seen survivors,
      byte[] body) {
    return SignedMessage.sign(
        kept.roster().session(), site.id(), phase, survivors.h(), body, site.key());
  }

  private static byte[] unmask(SiteSession.Site site, KeptSession kept, Seen survivors) {
    SortedMap<SiteId, Bytes> seedShares = new TreeMap<>();
    SortedMap<SiteId, Bytes> keyShares = new TreeMap<>();
    shares(site, kept)
        .forEach((dealer, pair) -> {
          if (survivors.places().holds(kept.roster().index(dealer))) {
            seedShares.put(dealer, pair.seedShare());
          } else {
            keyShares.put(dealer, pair.keyShare());
          }
        });
    return new UnmaskAnswer(seedShares, keyShares).encode();
  }

  private static Secrets secrets(SiteSession.Site site, KeptSession kept) {
    return new Secrets(kept.roster().session(), item(site, kept, SiteVault.Item.SEED));
  }

  private static ReceivedShares received(SiteSession.Site site, KeptSession kept) {
    Peers keys =
        CborReader.read(
                item(site, kept, SiteVault.Item.KEYS_SHOWN),
                "keys",
                in -> ShownKeys.read(kept.roster(), site.id(), in))
            .peers();
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
