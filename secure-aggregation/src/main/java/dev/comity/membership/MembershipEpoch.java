package dev.comity.membership;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Architecture;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// One version of the membership list, which the consortium signs: who may take part, under which
/// key, whose key may never come back, and what every plan of the federation must respect.
/// `version` counts from 1 without gaps and `previous` is the digest of the version before.
/// `nCFloor` ≥ 0 is the least number of colluding sites that any plan must withstand. `handOvers`
/// are the changes of the consortium's own key since the founding, oldest first. Instants are whole
/// milliseconds; lists are sorted.
///
/// Revocations and hand-overs are never dropped from one version to the next, so the newest version
/// alone tells all of them.
public record MembershipEpoch(
    FederationId federation,
    long version,
    Instant issuedAt,
    Instant expiresAt,
    MessagePublicKey aggregator,
    List<Member> members,
    List<Revocation> revocations,
    int nCFloor,
    List<ArchitecturePattern> allowedArchitectures,
    Optional<Digest> previous,
    List<HandOver> handOvers) {
  /// A site and its message key.
  public record Member(SiteId site, MessagePublicKey key) {}

  /// A key, by its fingerprint, that may never again be a member's or the aggregator's. `site` held
  /// it; empty for a key of the aggregator. `reason` is 1 to 200 characters on one line, for
  /// people.
  public record Revocation(Optional<SiteId> site, Digest key, Instant at, String reason) {
    private static final int MOST_REASON = 200;

    public Revocation {
      if (reason.isBlank()
          || reason.length() > MOST_REASON
          || reason.chars().anyMatch(Character::isISOControl)) {
        throw new IllegalArgumentException(
            "a revocation's reason is 1 to %d characters on one line; give a shorter one"
                .formatted(MOST_REASON));
      }
      requireMilliseconds("revoked at", at);
    }

    /// As `site north` or `the aggregator`.
    public String holder() {
      return site.map(name -> "site " + name).orElse("the aggregator");
    }
  }

  /// A change of the consortium's own key: the epoch of `version` names the new key and is the last
  /// that the old one signs.
  public record HandOver(long version, KeySuccession succession) {
    public HandOver {
      if (version < 2) {
        throw new IllegalArgumentException(
            "a hand-over in membership version %d: must be >= 2; the first version founds the federation"
                .formatted(version));
      }
      if (succession.site().isPresent()) {
        throw new IllegalArgumentException(
            "a hand-over of the consortium's key with a statement of site %s; it needs the consortium's own"
                .formatted(succession.site().get()));
      }
    }
  }

  private static final int FORMAT = 2;

  public MembershipEpoch {
    members = members.stream().sorted(Comparator.comparing(Member::site)).toList();
    revocations =
        revocations.stream().sorted(Comparator.comparing(Revocation::key)).distinct().toList();
    allowedArchitectures =
        allowedArchitectures.stream()
            .sorted(Comparator.comparing(ArchitecturePattern::value))
            .distinct()
            .toList();
    handOvers = List.copyOf(handOvers);
    if (version < 1) {
      throw new IllegalArgumentException("membership version %d: must be >= 1".formatted(version));
    }
    if (previous.isPresent() != version > 1) {
      throw new IllegalArgumentException(
          "membership version %d: version 1 names no previous version, every later one does"
              .formatted(version));
    }
    requireMilliseconds("issuedAt", issuedAt);
    requireMilliseconds("expiresAt", expiresAt);
    if (!expiresAt.isAfter(issuedAt)) {
      throw new IllegalArgumentException(
          "membership expires at %s: must be after its issue at %s".formatted(expiresAt, issuedAt));
    }
    if (nCFloor < 0) {
      throw new IllegalArgumentException("nCFloor %d: must be >= 0".formatted(nCFloor));
    }
    Set<Digest> revoked = new HashSet<>();
    for (Revocation revocation : revocations) {
      if (!revoked.add(revocation.key())) {
        throw new IllegalArgumentException(
            "key %s is revoked twice; list it once".formatted(revocation.key()));
      }
    }
    requireUsable("the aggregator", aggregator, revoked);
    Set<SiteId> sites = new HashSet<>();
    Set<MessagePublicKey> keys = new HashSet<>(Set.of(aggregator));
    for (Member member : members) {
      if (!sites.add(member.site())) {
        throw new IllegalArgumentException(
            "site %s is listed twice; list each once".formatted(member.site()));
      }
      if (!keys.add(member.key())) {
        throw new IllegalArgumentException(
            "site %s has the message key of another member or of the aggregator; each needs its own"
                .formatted(member.site()));
      }
      requireUsable("site " + member.site(), member.key(), revoked);
    }
    requireChain(federation, version, handOvers);
  }

  /// An epoch of a federation whose consortium still has its first key.
  public MembershipEpoch(
      FederationId federation,
      long version,
      Instant issuedAt,
      Instant expiresAt,
      MessagePublicKey aggregator,
      List<Member> members,
      List<Revocation> revocations,
      int nCFloor,
      List<ArchitecturePattern> allowedArchitectures,
      Optional<Digest> previous) {
    this(
        federation,
        version,
        issuedAt,
        expiresAt,
        aggregator,
        members,
        revocations,
        nCFloor,
        allowedArchitectures,
        previous,
        List.of());
  }

  private static void requireUsable(String holder, MessagePublicKey key, Set<Digest> revoked) {
    if (revoked.contains(key.fingerprint())) {
      throw new IllegalArgumentException(
          "%s is listed with the revoked key %s; a revoked key never returns: make a new key and have it admitted"
              .formatted(holder, key));
    }
  }

  private static void requireChain(
      FederationId federation, long version, List<HandOver> handOvers) {
    long last = 1;
    Set<MessagePublicKey> keys = new HashSet<>();
    for (int i = 0; i < handOvers.size(); i++) {
      HandOver handOver = handOvers.get(i);
      KeySuccession succession = handOver.succession();
      if (!succession.federation().equals(federation)) {
        throw new IllegalArgumentException(
            "a hand-over of federation %s in a membership of %s"
                .formatted(succession.federation(), federation));
      }
      if (handOver.version() <= last || handOver.version() > version) {
        throw new IllegalArgumentException(
            "a hand-over in version %d: must be after version %d and not after %d"
                .formatted(handOver.version(), last, version));
      }
      if (i > 0 && !handOvers.get(i - 1).succession().to().equals(succession.from())) {
        throw new IllegalArgumentException(
            "the hand-over in version %d is not by the key that was handed to before"
                .formatted(handOver.version()));
      }
      keys.add(succession.from());
      if (!keys.add(succession.to())) {
        throw new IllegalArgumentException(
            "the hand-over in version %d goes back to the former key %s; make a new key"
                .formatted(handOver.version(), succession.to()));
      }
      last = handOver.version();
    }
  }

  /// The key that a site signs with, if the site is a member.
  public Optional<MessagePublicKey> keyOf(SiteId site) {
    int low = 0;
    int high = members.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      Member member = members.get(middle);
      int order = member.site().compareTo(site);
      if (order == 0) {
        return Optional.of(member.key());
      } else if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return Optional.empty();
  }

  /// Why and when the key with this fingerprint was revoked, if it was.
  public Optional<Revocation> revocation(Digest key) {
    return revocations.stream().filter(revocation -> revocation.key().equals(key)).findFirst();
  }

  public boolean expired(Instant now) {
    return !now.isBefore(expiresAt);
  }

  /// Whether nothing speaks against `architecture`; see [#objection].
  public boolean allows(Architecture architecture) {
    return objection(architecture).isEmpty();
  }

  /// Why the consortium does not allow `architecture`: no pattern matches it, or it has a layer
  /// shaped like an imprint ([Architecture#imprint]) and only a pattern for its whole family
  /// matches.
  public Optional<String> objection(Architecture architecture) {
    if (allowedArchitectures.stream().anyMatch(pattern -> pattern.names(architecture))) {
      return Optional.empty();
    }
    if (allowedArchitectures.stream().noneMatch(pattern -> pattern.matches(architecture))) {
      return Optional.of(
          "%s is not among the architectures that the consortium allows: %s"
              .formatted(
                  architecture,
                  allowedArchitectures.stream().map(ArchitecturePattern::value).toList()));
    }
    return architecture
        .imprint()
        .map(layer ->
            "%s: %s; the consortium can allow exactly this one by its full name"
                .formatted(architecture, layer));
  }

  /// The key that speaks for the consortium once this version is known, to somebody who trusts
  /// `known`: the consortium's first key or any later one.
  public MessagePublicKey consortium(MessagePublicKey known) {
    return follow(known, version);
  }

  /// The key that must have signed this version, to somebody who trusts `known`.
  MessagePublicKey signer(MessagePublicKey known) {
    return follow(known, version - 1);
  }

  private MessagePublicKey follow(MessagePublicKey known, long lastVersion) {
    MessagePublicKey key = known;
    for (HandOver handOver : handOvers) {
      if (handOver.version() <= lastVersion && handOver.succession().from().equals(key)) {
        key = handOver.succession().to();
      }
    }
    return key;
  }

  /// Refused unless somebody who knows `before` may go on with this version, whether or not there
  /// were others between them: the same federation, a higher version, no revocation or hand-over
  /// dropped, every key that is no longer listed revoked, and the digest of `before` if this is the
  /// very next.
  public void requireAfter(MembershipEpoch before) {
    if (!before.federation.equals(federation)) {
      throw new RefusedSignatureException(
          "membership of federation %s: must be %s, as before"
              .formatted(federation, before.federation));
    }
    if (version <= before.version) {
      throw new RefusedSignatureException(
          "membership version %d: must be above %d, which is known already"
              .formatted(version, before.version));
    }
    if (version == before.version + 1 && !previous.equals(Optional.of(before.digest()))) {
      throw new RefusedSignatureException(
          "membership version %d does not name version %d as the one before; sign it anew"
              .formatted(version, before.version));
    }
    requireRevocations(before);
    int known = before.handOvers.size();
    if (handOvers.size() < known
        || !handOvers.subList(0, known).equals(before.handOvers)
        || handOvers.stream().skip(known).anyMatch(later -> later.version() <= before.version)) {
      throw new RefusedSignatureException(
          "membership version %d tells other hand-overs of the consortium's key than version %d; whoever signed it may hold a former key"
              .formatted(version, before.version));
    }
  }

  private void requireRevocations(MembershipEpoch before) {
    Set<Revocation> revoked = new HashSet<>(revocations);
    for (Revocation known : before.revocations) {
      if (!revoked.contains(known)) {
        throw new RefusedSignatureException(
            "membership version %d drops the revocation of key %s of %s; a revoked key never returns"
                .formatted(version, known.key(), known.holder()));
      }
    }
    Set<Digest> keys = new HashSet<>();
    revocations.forEach(revocation -> keys.add(revocation.key()));
    for (Member member : before.members) {
      if (!keyOf(member.site()).equals(Optional.of(member.key()))
          && !keys.contains(member.key().fingerprint())) {
        throw new RefusedSignatureException(
            "membership version %d leaves out the key of site %s without revoking it; sign it anew"
                .formatted(version, member.site()));
      }
    }
    if (!aggregator.equals(before.aggregator) && !keys.contains(before.aggregator.fingerprint())) {
      throw new RefusedSignatureException(
          "membership version %d changes the aggregator's key without revoking the former; sign it anew"
              .formatted(version));
    }
  }

  /// The digest of this version's bytes.
  public Digest digest() {
    return Digest.of(encode());
  }

  byte[] encode() {
    return CborWriter.map()
        .integer("format", FORMAT)
        .text("federation", federation.value())
        .integer("version", version)
        .integer("issuedAtMs", issuedAt.toEpochMilli())
        .integer("expiresAtMs", expiresAt.toEpochMilli())
        .bytes("aggregator", aggregator.bytes())
        .maps(
            "members",
            members,
            member ->
                CborWriter.map()
                    .text("site", member.site().value())
                    .bytes("key", member.key().bytes()))
        .maps(
            "revocations",
            revocations,
            revocation ->
                CborWriter.map()
                    .text("site", revocation.site().map(SiteId::value))
                    .bytes("key", revocation.key().bytes())
                    .integer("atMs", revocation.at().toEpochMilli())
                    .text("reason", revocation.reason()))
        .integer("nCFloor", nCFloor)
        .texts(
            "allowedArchitectures",
            allowedArchitectures.stream().map(ArchitecturePattern::value).toList())
        .bytes("previous", previous.map(digest -> Bytes.of(digest.bytes())))
        .maps(
            "handOvers",
            handOvers,
            handOver ->
                CborWriter.map()
                    .integer("version", handOver.version())
                    .bytes("from", handOver.succession().from().bytes())
                    .bytes("to", handOver.succession().to().bytes())
                    .bytes("signature", handOver.succession().signature())
                    .bytes("acceptance", handOver.succession().acceptance()))
        .toBytes();
  }

  static MembershipEpoch decode(byte[] bytes) {
    MembershipEpoch epoch = CborReader.read(bytes, "MembershipEpoch", MembershipEpoch::read);
    if (!Arrays.equals(bytes, epoch.encode())) {
      throw new MalformedException("MembershipEpoch: lists must be sorted and without repetition");
    }
    return epoch;
  }

  private static MembershipEpoch read(CborReader in) {
    long format = in.integer("format");
    if (format != FORMAT) {
      throw new MalformedException(
          "MembershipEpoch.format: %d; this software reads format %d".formatted(format, FORMAT));
    }
    FederationId federation = new FederationId(in.text("federation"));
    return new MembershipEpoch(
        federation,
        in.integer("version"),
        Instant.ofEpochMilli(in.integer("issuedAtMs")),
        Instant.ofEpochMilli(in.integer("expiresAtMs")),
        MessagePublicKey.of(in.bytes("aggregator", MessagePublicKey.SIZE)),
        in.maps(
            "members",
            member ->
                new Member(
                    new SiteId(member.text("site")),
                    MessagePublicKey.of(member.bytes("key", MessagePublicKey.SIZE)))),
        in.maps(
            "revocations",
            revocation ->
                new Revocation(
                    revocation.optionalText("site").map(SiteId::new),
                    Digest.ofValue(revocation.bytes("key", Digest.SIZE)),
                    Instant.ofEpochMilli(revocation.integer("atMs")),
                    revocation.text("reason"))),
        in.int32("nCFloor"),
        in.texts("allowedArchitectures").stream().map(ArchitecturePattern::new).toList(),
        in.optionalBytes("previous", Digest.SIZE, Digest.SIZE).map(Digest::ofValue),
        in.maps(
            "handOvers",
            handOver ->
                new HandOver(
                    handOver.integer("version"),
                    new KeySuccession(
                        federation,
                        Optional.empty(),
                        MessagePublicKey.of(handOver.bytes("from", MessagePublicKey.SIZE)),
                        MessagePublicKey.of(handOver.bytes("to", MessagePublicKey.SIZE)),
                        handOver.bytes("signature", MessagePublicKey.SIGNATURE_SIZE),
                        handOver.bytes("acceptance", MessagePublicKey.SIGNATURE_SIZE)))));
  }

  private static void requireMilliseconds(String name, Instant instant) {
    if (instant.getNano() % 1_000_000 != 0) {
      throw new IllegalArgumentException(
          "%s %s: must be whole milliseconds".formatted(name, instant));
    }
  }
}
