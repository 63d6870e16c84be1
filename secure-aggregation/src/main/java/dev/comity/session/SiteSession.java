package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.SiteId;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
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
  /// aggregator last told it, at least `nCFloor` colluding sites withstood, at least
  /// `minHonestFloor` honest contributors in a sum.
  public record Site(
      SiteId id,
      MessageKey key,
      long federationEpoch,
      MembershipEpoch membership,
      SiteVault vault,
      PrivacyBook book,
      int nCFloor,
      int minHonestFloor,
      Clock clock,
      SecureRandom random) {}

  /// The header to send, then the vector to upload.
  public record MaskedInput(SignedMessage header, MaskedUpdate update) {}

  private static final int SEED_BYTES = 32;

  private final SiteId self;
  private final MessageKey key;
  private final SiteVault vault;
  private final PrivacyBook book;
  private final KeptSession kept;
  private final @Nullable NoisedUpdate update;
  private final @Nullable Secrets secrets;

  private @Nullable KeyList keys;
  private Secrets.@Nullable SharePair ownShares;
  private @Nullable ShareList shares;
  private final Map<SiteId, Secrets.SharePair> sharesOfOthers = new HashMap<>();
  private @Nullable HeaderList headers;

  private SiteSession(
      Site site, KeptSession kept, @Nullable NoisedUpdate update, @Nullable Secrets secrets) {
    this.self = site.id();
    this.key = site.key();
    this.vault = site.vault();
    this.book = site.book();
    this.kept = kept;
    this.update = update;
    this.secrets = secrets;
  }

  /// P0: checks the descriptor against membership, plan, stored update and this site's own floors,
  /// then locks the update to the session. `update` is the stored update of `plan.terms()`. A
  /// session that held the update before and got no masked input is left.
  public static SiteSession open(
      Site site, RoundPlan plan, NoisedUpdate update, byte[] descriptorView) {
    Roster roster = Opening.check(site, plan, update, descriptorView);
    SiteVault vault = site.vault();
    Digest terms = roster.descriptor().terms();
    Optional<Digest> before = Optional.ofNullable(vault.locks().get(terms));
    before.ifPresent(session -> leave(vault, session));
    KeptSession kept = new KeptSession(roster, site.membership().aggregator(), site.id());
    kept.keepIn(vault);
    byte[] seed = new byte[SEED_BYTES];
    site.random().nextBytes(seed);
    vault.keep(roster.session(), SiteVault.Item.SEED, seed);
    vault.lock(terms, roster.session());
    Secrets secrets = new Secrets(roster.session(), seed);
    Arrays.fill(seed, (byte) 0);
    return new SiteSession(site, kept, update, secrets);
  }

  /// A session that this site was in before it restarted: it can still be left or aborted, and its
  /// unmask answer, if it was kept, repeated; nothing else.
  public static SiteSession reopen(Site site, Digest session) {
    return new SiteSession(site, KeptSession.of(site.vault(), session), null, null);
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

  /// As the static method, of this session.
  public void leave() {
    leave(vault, id());
  }

  /// P1.
  public SignedMessage advertise() {
    requireStaying();
    Optional<SignedMessage> before =
        keptMessage(SiteVault.Item.ADVERTISEMENT, SignedMessage.Phase.ADVERTISE_KEYS);
    if (before.isPresent()) {
      return before.get();
    }
    Advertisement advertisement =
        secrets().advertisement(kept.roster().index(self), vault.nextCounter(), book.head());
    return keep(
        SiteVault.Item.ADVERTISEMENT,
        sign(SignedMessage.Phase.ADVERTISE_KEYS, id(), advertisement.encode()));
  }

  /// P2: checks U1 and deals shares of this session's two secrets to every site of it.
  public SignedMessage share(byte[] keysView) {
    requireStaying();
    KeyList shown = view(SignedView.Kind.KEYS, keysView, in -> KeyList.fromCbor(kept.roster(), in));
    Optional<SignedMessage> before =
        keptMessage(SiteVault.Item.SHARES, SignedMessage.Phase.SHARE_KEYS);
    if (before.isPresent()) {
      KeyList mine = require(keys, "its keys were shown");
      if (!mine.h1().equals(shown.h1())) {
        throw inconsistent("a second, different set of keys");
      }
      return before.get();
    }
    if (!advertise().equals(shown.messages().get(self))) {
      throw inconsistent("the keys shown lack this site's own or hold others in its name");
    }
    requireFreshCounters(shown);
    Secrets.Dealt dealt = secrets().deal(shown, self);
    ShareDeliveries deliveries = ShareDeliveries.of(shown, self, dealt.deliveries());
    SignedMessage message = sign(SignedMessage.Phase.SHARE_KEYS, shown.h1(), deliveries.encode());
    keep(SiteVault.Item.SHARES, message);
    keys = shown;
    ownShares = dealt.own();
    Map<SiteId, Long> counters = new HashMap<>();
    shown.advertisements().forEach((site, each) -> counters.put(site, each.counter()));
    vault.sawCounters(counters);
    return message;
  }

  private void requireFreshCounters(KeyList shown) {
    Map<SiteId, Long> seen = vault.lastSeenCounters();
    shown
        .advertisements()
        .forEach((site, advertisement) -> {
          long last = seen.getOrDefault(site, 0L);
          if (advertisement.counter() <= last) {
            throw new SessionRefusal(
                SessionRefusal.Reason.REPLAYED_COUNTER,
                "session counter %d of %s; must be > %d, the last seen: a clone or a restored backup needs a new enrolment"
                    .formatted(advertisement.counter(), site, last));
          }
        });
  }

  /// P3: checks U2, decrypts the shares for this site, masks the update and keeps the exact vector.
  public MaskedInput mask(byte[] sharesView) {
    requireStaying();
    requireNotAborted();
    view(
        SignedView.Kind.SHARES,
        sharesView,
        in -> {
          receiveShares(in);
          return id();
        });
    ShareList shown = require(shares, "its shares were shown");
    requireOpen();
    if (!vault.hasInput(id())) {
      NoisedUpdate stored = require(update, "its update is at hand");
      MaskedUpdate masked = stored.mask(secrets().masks(shown, self));
      book.charge(descriptor().terms(), id());
      vault.keepInput(id(), masked);
    }
    MaskedUpdate input =
        vault
            .keptInput(id())
            .orElseThrow(() -> new IllegalStateException("the masked input was kept and is gone"));
    Optional<SignedMessage> before =
        keptMessage(SiteVault.Item.HEADER, SignedMessage.Phase.MASKED_INPUT);
    SignedMessage header =
        before.isPresent()
            ? before.get()
            : keep(
                SiteVault.Item.HEADER,
                sign(
                    SignedMessage.Phase.MASKED_INPUT,
                    shown.h2(),
                    new InputHeader(shown.h2(), input.chunkRoot()).encode()));
    return new MaskedInput(header, input);
  }

  private void receiveShares(CborReader in) {
    KeyList mine = require(keys, "its keys were shown");
    ReceivedShares received = ReceivedShares.read(mine, self, in);
    if (shares != null) {
      if (!shares.h2().equals(received.shares().h2())) {
        throw inconsistent("a second, different set of shares");
      }
      return;
    }
    Optional<SignedMessage> own =
        keptMessage(SiteVault.Item.SHARES, SignedMessage.Phase.SHARE_KEYS);
    if (!own.map(SignedMessage::published)
        .equals(Optional.ofNullable(received.shares().messages().get(self)))) {
      throw inconsistent("the shares shown lack this site's own or hold others in its name");
    }
    Map<SiteId, Secrets.SharePair> opened = received.open(secrets());
    int missing = received.shares().messages().size() - 1 - opened.size();
    int most = descriptor().quorum().nC();
    if (missing > most) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISSING_SHARES,
          "%d shares for this site do not open; must be <= n_C = %d; leave the session"
              .formatted(missing, most));
    }
    shares = received.shares();
    sharesOfOthers.putAll(opened);
  }

  /// P4: COMMIT to the survivors shown, once every header carries this site's own H2; ABORT when
  /// the view is inconsistent. A view that the aggregator did not sign is refused.
  public SignedMessage vote(byte[] headersView) {
    requireStaying();
    require(keys, "its keys were shown");
    Optional<SignedMessage> aborted = keptMessage(SiteVault.Item.ABORT, SignedMessage.Phase.VOTE);
    if (aborted.isPresent()) {
      return aborted.get();
    }
    SignedView signed = SignedView.decode(headersView);
    signed.verified(SignedView.Kind.HEADERS, kept.aggregator());
    HeaderList shown;
    try {
      shown = signed.read(SignedView.Kind.HEADERS, id(), kept.aggregator(), this::readHeaders);
      requireSameHeaders(shown);
    } catch (SessionRefusal refusal) {
      if (refusal.reason() == SessionRefusal.Reason.MISMATCH
          || refusal.reason() == SessionRefusal.Reason.OUT_OF_ORDER) {
        throw refusal; // a genuine view, of something else or for another moment
      }
      return voteAbort();
    }
    Optional<SignedMessage> before = keptMessage(SiteVault.Item.COMMIT, SignedMessage.Phase.VOTE);
    if (before.isPresent()) {
      return before.get();
    }
    SignedMessage commit = sign(SignedMessage.Phase.VOTE, shown.h3(), Ballot.COMMIT.body());
    keep(SiteVault.Item.COMMIT, commit);
    headers = shown;
    return commit;
  }

  private HeaderList readHeaders(CborReader in) {
    in.optionalMap(
        "shares",
        embedded -> {
          receiveShares(embedded);
          return id();
        });
    HeaderList shown = HeaderList.fromCbor(require(shares, "its shares were shown"), in);
    Optional<SignedMessage> own =
        keptMessage(SiteVault.Item.HEADER, SignedMessage.Phase.MASKED_INPUT);
    if (shown.holds(self) && !own.equals(Optional.ofNullable(shown.messages().get(self)))) {
      throw inconsistent("a header in this site's name that it did not send");
    }
    return shown;
  }

  private void requireSameHeaders(HeaderList shown) {
    if (headers != null && !headers.h3().equals(shown.h3())) {
      throw inconsistent("a second, different set of survivors");
    }
  }

  /// ABORT on the aggregator's signed proposal; possible until this site has answered P5, and
  /// final.
  public SignedMessage abort(byte[] proposal) {
    requireStaying();
    view(SignedView.Kind.ABORT_PROPOSAL, proposal, in -> in.text("reason"));
    if (vault.kept(id(), SiteVault.Item.SHARES).isEmpty()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "this site dealt no shares and has no vote; leave the session");
    }
    return voteAbort();
  }

  private SignedMessage voteAbort() {
    if (vault.kept(id(), SiteVault.Item.ANSWER).isPresent()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "this site has answered the COMMIT certificate: it cannot ABORT any more");
    }
    Optional<SignedMessage> before = keptMessage(SiteVault.Item.ABORT, SignedMessage.Phase.VOTE);
    return before.isPresent()
        ? before.get()
        : keep(SiteVault.Item.ABORT, sign(SignedMessage.Phase.VOTE, id(), Ballot.ABORT.body()));
  }

  /// P5: with a COMMIT certificate over the survivors that this site's own views give, reveals its
  /// shares of their self masks and of the mask keys of the sites that dropped out. The update is
  /// spent if this site is a survivor.
  public SignedMessage unmask(byte[] certificateView) {
    requireStaying();
    requireNotAborted();
    Optional<SignedMessage> before = keptMessage(SiteVault.Item.ANSWER, SignedMessage.Phase.UNMASK);
    if (before.isPresent()) {
      return before.get();
    }
    require(keys, "its keys were shown");
    Certified certified = view(SignedView.Kind.CERTIFICATE, certificateView, this::readCertified);
    requireSameHeaders(certified.headers());
    SignedMessage answer =
        sign(
            SignedMessage.Phase.UNMASK,
            certified.headers().h3(),
            answer(certified.headers()).encode());
    keep(SiteVault.Item.ANSWER, answer);
    Standing.settle(vault, book, kept, certified.commit());
    return answer;
  }

  private record Certified(HeaderList headers, Certificate.Commit commit) {}

  private Certified readCertified(CborReader in) {
    HeaderList shown = readHeaders(in);
    Certificate certificate =
        Certificate.decode(in.bytes("certificate", 1, MOST_CERTIFICATE_BYTES).toByteArray());
    return switch (certificate) {
      case Certificate.Abort _ ->
          throw new SessionRefusal(
              SessionRefusal.Reason.MISMATCH, "an ABORT certificate asks for no shares");
      case Certificate.Commit commit -> {
        Votes.verify(commit, kept.roster());
        if (!commit.h3().equals(shown.h3())) {
          throw inconsistent("a certificate of other survivors than this site's own views give");
        }
        for (Certificate.Vote vote : commit.votes()) {
          if (!shown.shares().holds(vote.site())) {
            throw inconsistent("a vote of " + vote.site() + ", which dealt no shares");
          }
        }
        yield new Certified(shown, commit);
      }
    };
  }

  private static final int MOST_CERTIFICATE_BYTES = 1 << 20;

  private UnmaskAnswer answer(HeaderList certified) {
    SortedMap<SiteId, Bytes> seedShares = new TreeMap<>();
    SortedMap<SiteId, Bytes> keyShares = new TreeMap<>();
    for (SiteId dealer : certified.shares().sites()) {
      sharesOf(dealer)
          .ifPresent(pair -> {
            if (certified.holds(dealer)) {
              seedShares.put(dealer, pair.seedShare());
            } else {
              keyShares.put(dealer, pair.keyShare());
            }
          });
    }
    return new UnmaskAnswer(seedShares, keyShares);
  }

  private Optional<Secrets.SharePair> sharesOf(SiteId dealer) {
    return dealer.equals(self)
        ? Optional.ofNullable(ownShares)
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
          "session %s has ended: its masked input is erased".formatted(id().abbreviated()));
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
    return require(secrets, "it was opened in this process");
  }

  private <T> T require(@Nullable T value, String condition) {
    if (value == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.OUT_OF_ORDER,
          "session %s: this step is possible only after %s; leave the session or wait for its certificate"
              .formatted(id().abbreviated(), condition));
    }
    return value;
  }

  private SessionRefusal inconsistent(String what) {
    return new SessionRefusal(
        SessionRefusal.Reason.INCONSISTENT_VIEW,
        "session %s: %s".formatted(id().abbreviated(), what));
  }
}
