package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.MalformedException;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.SiteId;
import dev.comity.update.Mask;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// One session on a site, from the descriptor to the unmask answer (P0 to P5). Each step takes the
/// aggregator's signed view, checks it against all that was seen before, keeps its message in the
/// vault and only then returns it. The same view again gives the same bytes. What does not hold is
/// a `SessionRefusal`.
///
/// ### Security guarantees
///
/// The aggregator cannot get both secrets of a site, nor two masked vectors under one mask, nor an
/// answer about any other survivors than those that T sites voted for after seeing the same keys,
/// shares and headers.
///
/// Owned by one thread at a time.
public final class SiteSession {

  /// Who this site is, what it keeps and what it insists on: the federation epoch that the
  /// aggregator last told it, the newest membership that it has seen, at least `nCFloor` colluding
  /// sites withstood, at least `minHonestFloor` honest contributors in a sum, and the graph of
  /// `graphRule`.
  public record Site(
      SiteId id,
      MessageKey key,
      long federationEpoch,
      MembershipEpoch membership,
      SiteVault vault,
      PrivacyBook book,
      int nCFloor,
      int minHonestFloor,
      GraphRule graphRule,
      Clock clock,
      SecureRandom random) {

    /// With the standard rule of the graph.
    public Site(
        SiteId id,
        MessageKey key,
        long federationEpoch,
        MembershipEpoch membership,
        SiteVault vault,
        PrivacyBook book,
        int nCFloor,
        int minHonestFloor,
        Clock clock,
        SecureRandom random) {
      this(
          id,
          key,
          federationEpoch,
          membership,
          vault,
          book,
          nCFloor,
          minHonestFloor,
          GraphRule.STANDARD,
          clock,
          random);
    }
  }

  /// The header to send, then the vector to upload.
  public record MaskedInput(SignedMessage header, MaskedUpdate update) {}

  private static final int SEED_BYTES = 32;

  private final SiteId self;
  private final MessageKey key;
  private final SiteVault vault;
  private final PrivacyBook book;
  private MembershipEpoch membership;
  private final KeptSession kept;
  private final Function<SessionDescriptor, Optional<NoisedUpdate>> updates;

  // What the vault holds, read once.
  private @Nullable Secrets secrets;
  private @Nullable Peers keys;
  private Secrets.@Nullable SharePair ownShares;
  private @Nullable Seen shares;
  private final Map<SiteId, Secrets.SharePair> sharesOfOthers = new HashMap<>();

  private SiteSession(
      Site site, KeptSession kept, Function<SessionDescriptor, Optional<NoisedUpdate>> updates) {
    this.self = site.id();
    this.key = site.key();
    this.vault = site.vault();
    this.book = site.book();
    this.membership = site.membership();
    this.kept = kept;
    this.updates = updates;
  }

  /// P0: checks the descriptor against membership, plan, stored update and this site's own floors,
  /// then locks the update to the session. `update` is the stored update of `plan.terms()`. A
  /// session that held the update before and got no masked input is left. A session that was opened
  /// before goes on where it was.
  public static SiteSession open(
      Site site, RoundPlan plan, NoisedUpdate update, byte[] descriptorView) {
    Roster roster = Opening.check(site, plan, update, descriptorView);
    SiteVault vault = site.vault();
    Digest terms = roster.descriptor().terms();
    Optional.ofNullable(vault.locks().get(terms))
        .filter(held -> !held.equals(roster.session()))
        .ifPresent(held -> leave(vault, held));
    KeptSession kept = new KeptSession(roster, site.membership().aggregator(), site.id());
    kept.keepIn(vault);
    if (vault.kept(roster.session(), SiteVault.Item.SEED).isEmpty()) {
      byte[] seed = new byte[SEED_BYTES];
      site.random().nextBytes(seed);
      vault.keep(roster.session(), SiteVault.Item.SEED, seed);
      Arrays.fill(seed, (byte) 0);
    }
    vault.lock(terms, roster.session());
    return new SiteSession(site, kept, _ -> Optional.of(update));
  }

  /// A session that this site opened before it restarted, as the vault holds it: from whatever
  /// point it goes on, and sends no other bytes than it would have sent. `updates` gives the stored
  /// update of the descriptor's terms, and is asked only when the vector is not masked yet.
  public static SiteSession reopen(
      Site site, Digest session, Function<SessionDescriptor, Optional<NoisedUpdate>> updates) {
    return new SiteSession(site, KeptSession.of(site.vault(), session), updates);
  }

  /// Whether `vault` knows `session`, so that it can be reopened.
  public static boolean isKnown(SiteVault vault, Digest session) {
    return vault.kept(session, SiteVault.Item.ROSTER_KEYS).isPresent();
  }

  /// The fingerprint of the message key under which this site signs in `session`, as its roster
  /// names it, also after that key was replaced; empty when `vault` does not know the session.
  public static Optional<Digest> signer(SiteVault vault, Digest session) {
    return isKnown(vault, session)
        ? Optional.of(KeptSession.of(vault, session))
            .map(known -> known.roster().key(known.self()).fingerprint())
        : Optional.empty();
  }

  /// Leaves `session` for good: a tombstone is kept and the update is free. Refused once a masked
  /// vector exists.
  public static void leave(SiteVault vault, Digest session) {
    if (vault.hasInput(session)) {
      throw new SessionRefusal(
          SessionRefusal.Reason.IN_DOUBT,
          "session %s has this site's masked input: only a certificate of it frees the update"
              .formatted(session.abbreviated()));
    }
    vault.keep(session, SiteVault.Item.TOMBSTONE, new byte[] {1});
    for (Map.Entry<Digest, Digest> lock : vault.locks().entrySet()) {
      if (lock.getValue().equals(session)) {
        vault.unlock(lock.getKey(), session);
      }
    }
  }

  /// sessionId.
  public Digest id() {
    return kept.roster().session();
  }

  public SessionDescriptor descriptor() {
    return kept.roster().descriptor();
  }

  /// Takes a membership that the consortium signed, if it is newer than what this session knows. If
  /// it lists a seat of the roster no longer, or with another key, this site sends nothing more
  /// that leads to a sum: it leaves at its next step, or withholds its vote once its masked input
  /// exists.
  public void learn(MembershipEpoch newer) {
    if (newer.version() > membership.version()) {
      membership = newer;
    }
  }

  private void requireMembers() {
    if (membership.version() <= descriptor().membershipVersion()) {
      return;
    }
    for (SessionDescriptor.Seat seat : descriptor().roster()) {
      if (membership
          .keyOf(seat.site())
          .filter(listed -> listed.fingerprint().equals(seat.key()))
          .isEmpty()) {
        if (!vault.hasInput(id())) {
          leave();
        }
        throw new SessionRefusal(
            SessionRefusal.Reason.NOT_A_MEMBER,
            "session %s: membership version %d lists %s with the roster's key no longer; wait for a session without it"
                .formatted(id().abbreviated(), membership.version(), seat.site()));
      }
    }
  }

  /// As the static method, of this session.
  public void leave() {
    leave(vault, id());
  }

  /// P1.
  public SignedMessage advertise() {
    requireStaying();
    requireMembers();
    Optional<SignedMessage> before =
        keptMessage(SiteVault.Item.ADVERTISEMENT, SignedMessage.Phase.ADVERTISE_KEYS);
    if (before.isPresent()) {
      return before.get();
    }
    requireOpen();
    Advertisement advertisement =
        secrets()
            .advertisement(kept.roster().index(self), vault.nextCounter(), book.head(), membership);
    return keep(
        SiteVault.Item.ADVERTISEMENT,
        sign(SignedMessage.Phase.ADVERTISE_KEYS, id(), advertisement.encode()));
  }

  /// P2: checks U1 and deals shares of this session's two secrets to every site of it, on a ring to
  /// its neighbours.
  public SignedMessage share(byte[] keysView) {
    requireStaying();
    requireMembers();
    ShownKeys shown = view(SignedView.Kind.KEYS, keysView, this::readKeys);
    if (vault.kept(id(), SiteVault.Item.KEYS_SHOWN).isPresent()) {
      if (!keys().h1().equals(shown.h1())) {
        throw inconsistent("a second, different set of keys");
      }
    } else {
      accept(shown);
    }
    Optional<SignedMessage> before =
        keptMessage(SiteVault.Item.SHARES, SignedMessage.Phase.SHARE_KEYS);
    if (before.isPresent()) {
      return before.get();
    }
    requireOpen();
    vault.sawCounters(shown.counters());
    Secrets.Dealt dealt = secrets().deal(shown.peers(), self);
    byte[] body =
        ShareDeliveries.of(shown.peers(), self, dealt.deliveries()).encode(shown.peers(), self);
    SignedMessage message = sign(SignedMessage.Phase.SHARE_KEYS, shown.h1(), body);
    keep(SiteVault.Item.SHARES, message);
    ownShares = dealt.own().orElse(null);
    return message;
  }

  private ShownKeys readKeys(CborReader in) {
    return ShownKeys.read(kept.roster(), self, in);
  }

  /// From here on the session has this H1 alone.
  private void accept(ShownKeys shown) {
    SignedMessage own =
        require(
            keptMessage(SiteVault.Item.ADVERTISEMENT, SignedMessage.Phase.ADVERTISE_KEYS),
            "it advertised its keys");
    if (!own.equals(shown.own())) {
      throw ShownKeys.lacksOwn();
    }
    requireSameMembership(shown);
    requireFreshCounters(shown);
    vault.keep(id(), SiteVault.Item.KEYS_SHOWN, shown.content().toBytes());
    keys = shown.peers();
  }

  /// An aggregator that keeps a newer list from this site, or serves two lists under one version,
  /// is seen here.
  private void requireSameMembership(ShownKeys shown) {
    Map<Long, Digest> known = new HashMap<>();
    known.put(membership.version(), membership.digest());
    known.put(descriptor().membershipVersion(), descriptor().membership());
    for (Map.Entry<SiteId, Advertisement> entry : shown.advertisements().entrySet()) {
      Advertisement theirs = entry.getValue();
      if (!Objects.equals(known.get(theirs.membershipVersion()), theirs.membership())) {
        throw new SessionRefusal(
            SessionRefusal.Reason.OTHER_MEMBERSHIP,
            "%s has seen membership version %d (%s), this site version %d (%s); compare both with the consortium's list before you trust the aggregator"
                .formatted(
                    entry.getKey(),
                    theirs.membershipVersion(),
                    theirs.membership().abbreviated(),
                    membership.version(),
                    membership.digest().abbreviated()));
      }
    }
  }

  private void requireFreshCounters(ShownKeys shown) {
    Map<SiteId, Long> seen = vault.lastSeenCounters();
    shown
        .counters()
        .forEach((site, counter) -> {
          long last = seen.getOrDefault(site, 0L);
          if (counter <= last) {
            throw new SessionRefusal(
                SessionRefusal.Reason.REPLAYED_COUNTER,
                "session counter %d of %s; must be > %d, the last seen: a clone or a restored backup needs a new enrolment"
                    .formatted(counter, site, last));
          }
        });
  }

  /// P3: checks U2, decrypts the shares for this site, masks the update and keeps the exact vector.
  public MaskedInput mask(byte[] sharesView) {
    requireStaying();
    requireNotAborted();
    requireOpen();
    requireMembers();
    Seen shown = view(SignedView.Kind.SHARES, sharesView, this::receiveShares);
    if (!vault.hasInput(id())) {
      List<Mask> masks = secrets().masks(keys(), shown.places(), self);
      MaskedUpdate masked = storedUpdate().mask(masks);
      masks.forEach(mask -> mask.key().destroy());
      book.charge(descriptor().terms(), id());
      vault.keepInput(id(), masked);
    }
    MaskedUpdate input = vault.keptInput(id()).orElseThrow(() -> lost("masked input", null));
    SignedMessage header =
        keptMessage(SiteVault.Item.HEADER, SignedMessage.Phase.MASKED_INPUT)
            .orElseGet(() ->
                keep(
                    SiteVault.Item.HEADER,
                    sign(
                        SignedMessage.Phase.MASKED_INPUT,
                        shown.h(),
                        new InputHeader(shown.h(), input.chunkRoot()).encode())));
    return new MaskedInput(header, input);
  }

  private NoisedUpdate storedUpdate() {
    NoisedUpdate stored = require(updates.apply(descriptor()), "its stored update is at hand");
    if (!stored.layout().digest().equals(descriptor().vectorLayout())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "session %s: the stored update has another layout than the descriptor names; leave the session"
              .formatted(id().abbreviated()));
    }
    return stored;
  }

  private Seen receiveShares(CborReader in) {
    ReceivedShares received = ReceivedShares.read(keys(), self, in);
    if (vault.kept(id(), SiteVault.Item.SHARES_SHOWN).isPresent()) {
      if (!shares().h().equals(received.shares().h())) {
        throw inconsistent("a second, different set of shares");
      }
      return shares();
    }
    SignedMessage own =
        require(
            keptMessage(SiteVault.Item.SHARES, SignedMessage.Phase.SHARE_KEYS), "it dealt shares");
    if (!received.own().equals(Optional.of(own.published()))) {
      throw inconsistent("the shares shown lack this site's own or hold others in its name");
    }
    Map<SiteId, Secrets.SharePair> opened = received.open(secrets());
    int missing = received.others() - opened.size();
    int most = keys().mostMissing();
    if (missing > most) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISSING_SHARES,
          "%d shares for this site do not open; must be <= %d, the most that collude; leave the session"
              .formatted(missing, most));
    }
    vault.keep(id(), SiteVault.Item.SHARES_SHOWN, received.toCbor().toBytes());
    shares = received.shares();
    sharesOfOthers.putAll(opened);
    return received.shares();
  }

  /// P4: COMMIT to the survivors shown, once every header carries this site's own H2; ABORT when
  /// the view is inconsistent. A view that the aggregator did not sign is refused.
  public SignedMessage vote(byte[] headersView) {
    requireStaying();
    requireVoter();
    Optional<SignedMessage> aborted = keptMessage(SiteVault.Item.ABORT, SignedMessage.Phase.VOTE);
    if (aborted.isPresent()) {
      return aborted.get();
    }
    requireOpen();
    requireMembers();
    SignedView signed = SignedView.decode(headersView);
    signed.verified(SignedView.Kind.HEADERS, kept.aggregator());
    Seen shown;
    try {
      shown = signed.read(SignedView.Kind.HEADERS, id(), kept.aggregator(), this::readHeaders);
      requireSameSurvivors(shown);
    } catch (SessionRefusal refusal) {
      if (contradicts(refusal.reason())) {
        return voteAbort();
      }
      throw refusal; // a genuine view, of something else or for another moment
    }
    Optional<SignedMessage> before = keptMessage(SiteVault.Item.COMMIT, SignedMessage.Phase.VOTE);
    return before.isPresent()
        ? before.get()
        : keep(
            SiteVault.Item.COMMIT, sign(SignedMessage.Phase.VOTE, shown.h(), Ballot.COMMIT.body()));
  }

  /// Whether a refusal of a view that the aggregator signed shows that it lies.
  private static boolean contradicts(SessionRefusal.Reason reason) {
    return switch (reason) {
      case MALFORMED,
          BAD_SIGNATURE,
          EQUIVOCATION,
          TOO_LARGE,
          NOT_A_MEMBER,
          QUORUM,
          BAD_KEY,
          MISSING_SHARES,
          INCONSISTENT_VIEW ->
          true;
      case MISMATCH,
          UNKNOWN_SUITE,
          OTHER_MEMBERSHIP,
          REPLAYED_COUNTER,
          SPENT,
          IN_DOUBT,
          BUDGET,
          LEFT,
          OUT_OF_ORDER,
          LOST_STATE ->
          false;
    };
  }

  private Seen readHeaders(CborReader in) {
    Optional<Seen> dealers = in.optionalMap("shares", this::receiveShares);
    SeenHeaders shown = SeenHeaders.read(keys(), self, dealers.orElseGet(this::shares), in);
    Optional<SignedMessage> own =
        keptMessage(SiteVault.Item.HEADER, SignedMessage.Phase.MASKED_INPUT);
    if (shown.own().isPresent() && !own.equals(shown.own())) {
      throw inconsistent("a header in this site's name that it did not send");
    }
    return shown.headers();
  }

  /// What this site signed over H3 before is over these survivors, or nothing.
  private void requireSameSurvivors(Seen shown) {
    for (SignedMessage before : signedOverSurvivors()) {
      if (!before.verifies(kept.roster().key(self), shown.h())) {
        throw inconsistent("a second, different set of survivors");
      }
    }
  }

  private List<SignedMessage> signedOverSurvivors() {
    return Stream.of(
            keptMessage(SiteVault.Item.COMMIT, SignedMessage.Phase.VOTE),
            keptMessage(SiteVault.Item.RELEASE, SignedMessage.Phase.RELEASE),
            keptMessage(SiteVault.Item.ANSWER, SignedMessage.Phase.UNMASK))
        .flatMap(Optional::stream)
        .toList();
  }

  /// ABORT on the aggregator's signed proposal; possible until this site has answered P5, on a ring
  /// until it has sent RELEASE, also after it left, and final.
  public SignedMessage abort(byte[] proposal) {
    view(SignedView.Kind.ABORT_PROPOSAL, proposal, in -> in.text("reason"));
    requireVoter();
    return voteAbort();
  }

  private void requireVoter() {
    if (vault.kept(id(), SiteVault.Item.SHARES).isEmpty()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "session %s: this site dealt no shares and has no vote; leave the session"
              .formatted(id().abbreviated()));
    }
  }

  private SignedMessage voteAbort() {
    if (vault.kept(id(), SiteVault.Item.RELEASE).isPresent()
        || vault.kept(id(), SiteVault.Item.ANSWER).isPresent()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "this site has answered the COMMIT certificate: it cannot ABORT any more");
    }
    Optional<SignedMessage> before = keptMessage(SiteVault.Item.ABORT, SignedMessage.Phase.VOTE);
    return before.isPresent()
        ? before.get()
        : keep(SiteVault.Item.ABORT, sign(SignedMessage.Phase.VOTE, id(), Ballot.ABORT.body()));
  }

  /// P5's first step on a ring: with a COMMIT certificate over the survivors that this site's own
  /// views give, promises never to ABORT. Without T such promises T ABORTs could stand beside
  /// enough shares of somebody, since a few neighbours hold them all.
  public SignedMessage release(byte[] certificateView) {
    requireStaying();
    requireNotAborted();
    requireRing();
    Optional<SignedMessage> before =
        keptMessage(SiteVault.Item.RELEASE, SignedMessage.Phase.RELEASE);
    if (before.isPresent()) {
      return before.get();
    }
    requireOpen();
    Certified certified = view(SignedView.Kind.RELEASE, certificateView, this::readCertified);
    requireSameSurvivors(certified.headers());
    return keep(
        SiteVault.Item.RELEASE,
        sign(SignedMessage.Phase.RELEASE, certified.headers().h(), Ballot.releaseBody()));
  }

  private void requireRing() {
    if (descriptor().graph() instanceof SessionDescriptor.Graph.Complete) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "session %s is on the complete graph: its certificate is answered at once"
              .formatted(id().abbreviated()));
    }
  }

  /// P5: with a COMMIT certificate over the survivors that this site's own views give, on a ring
  /// with T RELEASEs of it, reveals its shares of their self masks and of the mask keys of the
  /// sites that dropped out. The update is spent if this site is a survivor.
  public SignedMessage unmask(byte[] certificateView) {
    requireStaying();
    requireNotAborted();
    Optional<SignedMessage> before = keptMessage(SiteVault.Item.ANSWER, SignedMessage.Phase.UNMASK);
    Optional<byte[]> settled = vault.kept(id(), SiteVault.Item.CERTIFICATE);
    if (before.isPresent() && settled.isPresent()) {
      Standing.settle(vault, book, kept, Certificate.decode(settled.get())); // to its end, if cut
      return before.get();
    }
    requireOpen();
    Certified certified = view(SignedView.Kind.CERTIFICATE, certificateView, this::readReleased);
    requireSameSurvivors(certified.headers());
    SignedMessage answer =
        before.orElseGet(() ->
            keep(
                SiteVault.Item.ANSWER,
                sign(
                    SignedMessage.Phase.UNMASK,
                    certified.headers().h(),
                    answer(certified.headers()).encode())));
    Standing.settle(vault, book, kept, certified.commit());
    return answer;
  }

  private record Certified(Seen headers, Certificate.Commit commit) {}

  private Certified readReleased(CborReader in) {
    Certified certified = readCertified(in);
    switch (descriptor().graph()) {
      case SessionDescriptor.Graph.Complete _ -> {
        // T COMMITs suffice: T ABORTs would leave fewer than T shares.
      }
      case SessionDescriptor.Graph.Regular _ ->
          Votes.verifyReleases(
              in.maps("releases", Votes::fromCbor), certified.headers().h(), kept.roster());
    }
    return certified;
  }

  private Certified readCertified(CborReader in) {
    Seen shown = readHeaders(in);
    Certificate certificate =
        Certificate.decode(in.bytes("certificate", 1, MOST_CERTIFICATE_BYTES).toByteArray());
    return switch (certificate) {
      case Certificate.Abort _ ->
          throw new SessionRefusal(
              SessionRefusal.Reason.MISMATCH, "an ABORT certificate asks for no shares");
      case Certificate.Commit commit -> {
        Votes.verify(commit, kept.roster());
        if (!commit.h3(kept.roster().size()).equals(shown.h())) {
          throw inconsistent("a certificate of other survivors than this site's own views give");
        }
        for (Certificate.Vote vote : commit.votes()) {
          if (!shares().places().holds(kept.roster().index(vote.site()))) {
            throw inconsistent("a vote of " + vote.site() + ", which dealt no shares");
          }
        }
        yield new Certified(shown, commit);
      }
    };
  }

  private static final int MOST_CERTIFICATE_BYTES = 2 << 20;

  private UnmaskAnswer answer(Seen certified) {
    SortedMap<SiteId, Bytes> seedShares = new TreeMap<>();
    SortedMap<SiteId, Bytes> keyShares = new TreeMap<>();
    PlaceSet dealers = shares().places();
    for (int place : keys().receivers(self)) { // sharing is mutual
      SiteId dealer = kept.roster().site(place);
      if (dealers.holds(place)) {
        sharesOf(dealer)
            .ifPresent(pair -> {
              if (certified.places().holds(place)) {
                seedShares.put(dealer, pair.seedShare());
              } else {
                keyShares.put(dealer, pair.keyShare());
              }
            });
      }
    }
    return new UnmaskAnswer(seedShares, keyShares);
  }

  private Optional<Secrets.SharePair> sharesOf(SiteId dealer) {
    return dealer.equals(self)
        ? Optional.of(ownShares())
        : Optional.ofNullable(sharesOfOthers.get(dealer));
  }

  private <T> T view(SignedView.Kind kind, byte[] encoded, Function<CborReader, T> content) {
    return SignedView.decode(encoded).read(kind, id(), kept.aggregator(), content);
  }

  private SignedMessage sign(SignedMessage.Phase phase, Digest preceding, byte[] body) {
    return SignedMessage.sign(id(), self, phase, preceding, body, key);
  }

  private SignedMessage keep(SiteVault.Item item, SignedMessage message) {
    vault.keep(id(), item, message.toCbor().toBytes());
    return message;
  }

  private Optional<SignedMessage> keptMessage(SiteVault.Item item, SignedMessage.Phase phase) {
    return vault
        .kept(id(), item)
        .map(bytes ->
            CborReader.read(
                bytes, item.name(), in -> SignedMessage.fromCbor(in, id(), phase, bytes.length)));
  }

  private void requireStaying() {
    if (vault.kept(id(), SiteVault.Item.TOMBSTONE).isPresent()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.LEFT,
          "this site left session %s; wait for the next one".formatted(id().abbreviated()));
    }
  }

  private void requireOpen() {
    if (vault.kept(id(), SiteVault.Item.CERTIFICATE).isPresent()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "session %s has ended: its secrets are erased".formatted(id().abbreviated()));
    }
  }

  private void requireNotAborted() {
    boolean aborted =
        vault.kept(id(), SiteVault.Item.ABORT).isPresent()
            || vault
                .kept(id(), SiteVault.Item.CERTIFICATE)
                .map(Certificate::decode)
                .filter(Certificate.Abort.class::isInstance)
                .isPresent();
    if (aborted) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "session %s was aborted by this site or by a quorum: it gives nothing more"
              .formatted(id().abbreviated()));
    }
  }

  private Secrets secrets() {
    Secrets known = secrets;
    if (known == null) {
      byte[] seed =
          vault
              .kept(id(), SiteVault.Item.SEED)
              .orElseThrow(() -> lost("seed of its secrets", null));
      known = new Secrets(id(), seed);
      Arrays.fill(seed, (byte) 0);
      secrets = known;
    }
    return known;
  }

  private Peers keys() {
    Peers known = keys;
    if (known == null) {
      known = read(SiteVault.Item.KEYS_SHOWN, "its keys were shown", this::readKeys).peers();
      keys = known;
    }
    return known;
  }

  private Seen shares() {
    Seen known = shares;
    if (known == null) {
      ReceivedShares received =
          read(
              SiteVault.Item.SHARES_SHOWN,
              "its shares were shown",
              in -> ReceivedShares.read(keys(), self, in));
      known = received.shares();
      sharesOfOthers.putAll(received.open(secrets()));
      shares = known;
    }
    return known;
  }

  private Secrets.SharePair ownShares() {
    Secrets.SharePair known = ownShares;
    if (known == null) {
      known =
          secrets()
              .deal(keys(), self)
              .own()
              .orElseThrow(() -> new IllegalStateException("on a ring a site keeps no own share"));
      ownShares = known;
    }
    return known;
  }

  private <T> T read(SiteVault.Item item, String condition, Function<CborReader, T> content) {
    byte[] bytes = require(vault.kept(id(), item), condition);
    try {
      return CborReader.read(bytes, item.name(), content);
    } catch (MalformedException | IllegalArgumentException e) {
      throw lost("readable " + item, e);
    }
  }

  private <T> T require(Optional<T> value, String condition) {
    return value.orElseThrow(() ->
        new SessionRefusal(
            SessionRefusal.Reason.OUT_OF_ORDER,
            "session %s: this step is possible only after %s; leave the session or wait for its certificate"
                .formatted(id().abbreviated(), condition)));
  }

  private SessionRefusal lost(String what, @Nullable Exception cause) {
    return new SessionRefusal(
        SessionRefusal.Reason.LOST_STATE,
        "session %s: the %s is no longer in the vault; a site that lost its state needs a new enrolment"
            .formatted(id().abbreviated(), what),
        cause);
  }

  private SessionRefusal inconsistent(String what) {
    return new SessionRefusal(
        SessionRefusal.Reason.INCONSISTENT_VIEW,
        "session %s: %s".formatted(id().abbreviated(), what));
  }
}
