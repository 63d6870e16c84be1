package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.util.Arrays;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/// An honest site of a simulation that keeps its secrets and nothing else. It sends the bytes that
/// `SiteSession` would send, made by the same code, without reading or checking what it is shown:
/// keys, shares and survivors are those of the aggregator's own state. So a session of many sites
/// has room in one process, where each `SiteSession` would know all the others.
///
/// Safe for use by many threads.
public final class LightSite {
  private final SiteId self;
  private final MessageKey key;
  private final Digest session;
  private final Secrets secrets;
  private final Digest ledgerHead;

  /// `seed`: the 32 bytes that the session's secrets follow from, copied. `ledgerHead` is that of
  /// the site's privacy book.
  public LightSite(SiteId self, MessageKey key, Digest session, byte[] seed, Digest ledgerHead) {
    this.self = self;
    this.key = key;
    this.session = session;
    this.secrets = new Secrets(session, seed);
    this.ledgerHead = ledgerHead;
  }

  /// What this site owes the aggregator in `state`. IllegalStateException where that is a vector or
  /// nothing.
  public SignedMessage answer(ServerSession state) {
    return switch (state) {
      case AdvertisingKeys advertising -> advertise(advertising.roster());
      case SharingKeys sharing -> share(sharing.keys());
      case Voting voting ->
          sign(SignedMessage.Phase.VOTE, voting.headers().h3(), Ballot.COMMIT.body());
      case Releasing releasing ->
          sign(SignedMessage.Phase.RELEASE, releasing.headers().h3(), Ballot.releaseBody());
      case Unmasking unmasking -> unmask(unmasking.dealing(), unmasking.headers());
      case Aborting _ -> sign(SignedMessage.Phase.VOTE, session, Ballot.ABORT.body());
      case Collecting _, Done _, Aborted _ ->
          throw new IllegalStateException("no message is owed in state " + state.state());
    };
  }

  private SignedMessage advertise(Roster roster) {
    SessionDescriptor descriptor = roster.descriptor();
    return sign(
        SignedMessage.Phase.ADVERTISE_KEYS,
        session,
        secrets
            .advertisement(
                roster.index(self),
                1,
                ledgerHead,
                descriptor.membershipVersion(),
                descriptor.membership())
            .encode());
  }

  private SignedMessage share(KeyList keys) {
    ShareDeliveries dealt = ShareDeliveries.of(keys, self, secrets.deal(keys, self).deliveries());
    return sign(SignedMessage.Phase.SHARE_KEYS, keys.h1(), dealt.encode(keys, self));
  }

  /// The public key under which others encrypt their shares for this site, 32 bytes little-endian.
  /// IllegalStateException in any state but SharingKeys.
  public Bytes channelKey(ServerSession state) {
    if (!(state instanceof SharingKeys sharing)) {
      throw new IllegalStateException("keys are not shared in state " + state.state());
    }
    return sharing.keys().channelKey(self);
  }

  /// P3. The sites of `unmasked` add no masks to each other's vectors. IllegalStateException in any
  /// state but Collecting.
  public SiteSession.MaskedInput mask(
      ServerSession state, NoisedUpdate update, Set<SiteId> unmasked) {
    if (!(state instanceof Collecting collecting)) {
      throw new IllegalStateException("no vector is owed in state " + state.state());
    }
    ShareList shares = collecting.dealing().shares();
    KeyList keys = shares.keys();
    Roster roster = keys.roster();
    IntStream partners =
        Arrays.stream(keys.receivers(self))
            .filter(place -> {
              SiteId partner = roster.site(place);
              return shares.holds(partner)
                  && !(unmasked.contains(self) && unmasked.contains(partner));
            });
    MaskedUpdate masked =
        update.mask(secrets.masks(keys, PlaceSet.of(roster.size(), partners), self));
    return new SiteSession.MaskedInput(
        sign(
            SignedMessage.Phase.MASKED_INPUT,
            shares.h2(),
            new InputHeader(shares.h2(), masked.chunkRoot()).encode()),
        masked);
  }

  private SignedMessage unmask(Dealing dealing, HeaderList headers) {
    KeyList keys = dealing.keys();
    SortedMap<SiteId, Bytes> seedShares = new TreeMap<>();
    SortedMap<SiteId, Bytes> keyShares = new TreeMap<>();
    for (int place : keys.receivers(self)) { // sharing is mutual
      SiteId dealer = keys.roster().site(place);
      if (headers.holds(dealer)) {
        seedShares.put(dealer, shareOf(dealer, dealing).seedShare());
      } else if (dealing.shares().holds(dealer)) {
        keyShares.put(dealer, shareOf(dealer, dealing).keyShare());
      }
    }
    return sign(
        SignedMessage.Phase.UNMASK, headers.h3(), new UnmaskAnswer(seedShares, keyShares).encode());
  }

  private Secrets.SharePair shareOf(SiteId dealer, Dealing dealing) {
    KeyList keys = dealing.keys();
    return (dealer.equals(self)
            ? secrets.deal(keys, self).own()
            : secrets.open(keys, dealer, self, dealing.delivery(dealer, self)))
        .orElseThrow();
  }

  private SignedMessage sign(SignedMessage.Phase phase, Digest preceding, byte[] body) {
    return SignedMessage.sign(session, self, phase, preceding, body, key);
  }
}
