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
/// key, and what every plan of the federation must respect. `version` counts from 1 without gaps
/// and `previous` is the digest of the version before. `nCFloor` ≥ 0 is the least number of
/// colluding sites that any plan must withstand. Instants are whole milliseconds; lists are sorted.
public record MembershipEpoch(
    FederationId federation,
    long version,
    Instant issuedAt,
    Instant expiresAt,
    MessagePublicKey aggregator,
    List<Member> members,
    List<Digest> revokedKeys,
    int nCFloor,
    List<ArchitecturePattern> allowedArchitectures,
    Optional<Digest> previous) {
  /// A site and its message key.
  public record Member(SiteId site, MessagePublicKey key) {}

  private static final int FORMAT = 1;

  public MembershipEpoch {
    members = members.stream().sorted(Comparator.comparing(Member::site)).toList();
    revokedKeys = revokedKeys.stream().sorted().distinct().toList();
    allowedArchitectures =
        allowedArchitectures.stream()
            .sorted(Comparator.comparing(ArchitecturePattern::value))
            .distinct()
            .toList();
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
      if (revokedKeys.contains(member.key().fingerprint())) {
        throw new IllegalArgumentException(
            "site %s is listed with a revoked key; remove it or admit a new key"
                .formatted(member.site()));
      }
    }
  }

  /// The key that a site signs with, if the site is a member.
  public Optional<MessagePublicKey> keyOf(SiteId site) {
    return members.stream()
        .filter(member -> member.site().equals(site))
        .map(Member::key)
        .findFirst();
  }

  public boolean expired(Instant now) {
    return !now.isBefore(expiresAt);
  }

  public boolean allows(Architecture architecture) {
    return allowedArchitectures.stream().anyMatch(pattern -> pattern.matches(architecture));
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
        .byteStrings("revokedKeys", revokedKeys.stream().map(key -> Bytes.of(key.bytes())).toList())
        .integer("nCFloor", nCFloor)
        .texts(
            "allowedArchitectures",
            allowedArchitectures.stream().map(ArchitecturePattern::value).toList())
        .bytes("previous", previous.map(digest -> Bytes.of(digest.bytes())))
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
    return new MembershipEpoch(
        new FederationId(in.text("federation")),
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
        in.byteStrings("revokedKeys", Digest.SIZE).stream().map(Digest::ofValue).toList(),
        in.int32("nCFloor"),
        in.texts("allowedArchitectures").stream().map(ArchitecturePattern::new).toList(),
        in.optionalBytes("previous", Digest.SIZE, Digest.SIZE).map(Digest::ofValue));
  }

  private static void requireMilliseconds(String name, Instant instant) {
    if (instant.getNano() % 1_000_000 != 0) {
      throw new IllegalArgumentException(
          "%s %s: must be whole milliseconds".formatted(name, instant));
    }
  }
}
