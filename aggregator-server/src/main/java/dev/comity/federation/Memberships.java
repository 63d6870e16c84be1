package dev.comity.federation;

import dev.comity.codec.MalformedException;
import dev.comity.federation.FederationStore.EnrolledSite;
import dev.comity.federation.FederationStore.SiteState;
import dev.comity.federation.Refused.Kind;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The membership epochs that the consortium signed. The aggregator takes them as they come or
/// refuses them; it never makes one.
public final class Memberships {
  /// How long before its end an epoch is warned of.
  public static final Duration WARNED_BEFORE = Duration.ofDays(14);

  private final FederationId federation;
  private final MessagePublicKey aggregator;
  private final ConsortiumKey consortium;
  private final FederationStore store;
  private final Clock clock;

  public Memberships(
      FederationId federation,
      MessagePublicKey aggregator,
      ConsortiumKey consortium,
      FederationStore store,
      Clock clock) {
    this.federation = federation;
    this.aggregator = aggregator;
    this.consortium = consortium;
    this.store = store;
    this.clock = clock;
  }

  /// The newest epoch as it was signed.
  public Optional<SignedMembership> current() {
    return store.membership();
  }

  /// What an epoch of this federation says; `signed` must come from [#current] or [#find].
  public MembershipEpoch read(SignedMembership signed) {
    return signed.verify(
        consortium
            .key()
            .orElseThrow(
                () -> new IllegalStateException("a membership without the consortium's key")));
  }

  /// The key that speaks for the consortium now: the configured one, or the one to which it was
  /// handed over since. Empty while the configured one is known by its fingerprint alone.
  public Optional<MessagePublicKey> consortium() {
    var first = consortium.key();
    return first
        .flatMap(key -> current().map(signed -> signed.verify(key).consortium(key)))
        .or(() -> first);
  }

  /// What a person should do about the present epoch's end, from [#WARNED_BEFORE] on.
  public Optional<String> warning() {
    var now = clock.instant();
    return current()
        .map(this::read)
        .filter(epoch -> epoch.expired(now.plus(WARNED_BEFORE)))
        .map(epoch ->
            "Membership version %d %s at %s; %s: have the consortium sign the next with amend --expires P365D."
                .formatted(
                    epoch.version(),
                    epoch.expired(now) ? "expired" : "expires",
                    epoch.expiresAt(),
                    epoch.expired(now)
                        ? "no run, round or session begins"
                        : "from then on no run, round or session begins"));
  }

  public Optional<SignedMembership> find(Digest digest) {
    return store.membership(digest);
  }

  /// Takes the next epoch: its members become active, members of before that it no longer lists are
  /// revoked, and a member whose key it replaces goes on under the new one. The newest epoch sent
  /// again changes nothing.
  ///
  /// @throws Refused with the code `no-consortium-key`, `bad-signature`, `bad-membership`,
  ///   `out-of-sequence`, `contradicts-earlier`, `wrong-federation`, `wrong-aggregator`,
  ///   `membership-expired`, `not-enrolled` or `key-taken`
  public MembershipEpoch admit(SignedMembership signed) {
    return store.exclusively(() -> admitNext(signed));
  }

  private MembershipEpoch admitNext(SignedMembership signed) {
    var key =
        consortium
            .key()
            .orElseThrow(() ->
                new Refused(
                    Kind.CONFLICT,
                    "no-consortium-key",
                    "Only the consortium key's fingerprint is configured and no invitation has"
                        + " shown the key yet; set comity.consortium-key to the key's file."));
    var last = store.membership();
    if (last.isPresent() && last.get().digest().equals(signed.digest())) {
      return verified(signed, key);
    }
    var epoch = verified(signed, key);
    checkSequence(epoch, last);
    var faults = faults(epoch);
    if (!faults.isEmpty()) {
      throw new Refused(
          Kind.INVALID, faults.getFirst().code(), String.join(" ", sentences(faults)));
    }
    store.add(epoch, signed, clock.instant());
    for (var member : epoch.members()) {
      if (store.site(member.site()).filter(site -> rotated(site, epoch)).isPresent()) {
        store.setKey(member.site(), member.key());
      }
    }
    for (var site : store.sites()) {
      store.setState(site.site(), standing(site, epoch));
    }
    return epoch;
  }

  private static MembershipEpoch verified(SignedMembership signed, MessagePublicKey key) {
    try {
      return signed.verify(key);
    } catch (RefusedSignatureException e) {
      throw new Refused(Kind.FORBIDDEN, "bad-signature", sentence(e));
    } catch (MalformedException | IllegalArgumentException e) {
      throw new Refused(Kind.INVALID, "bad-membership", sentence(e));
    }
  }

  private static String sentence(RuntimeException e) {
    return "The membership is refused: " + e.getMessage() + ".";
  }

  private void checkSequence(MembershipEpoch epoch, Optional<SignedMembership> last) {
    long version = last.map(before -> read(before).version()).orElse(0L);
    if (epoch.version() != version + 1) {
      throw new Refused(
          Kind.CONFLICT,
          "out-of-sequence",
          "Membership version %d is refused: the next one is %d; sign it anew from the present one."
              .formatted(epoch.version(), version + 1));
    }
    if (!epoch.previous().equals(last.map(SignedMembership::digest))) {
      throw new Refused(
          Kind.CONFLICT,
          "out-of-sequence",
          "Membership version %d does not name the present one as its predecessor; sign it anew."
              .formatted(epoch.version()));
    }
    if (last.isPresent() && epoch.federation().equals(federation)) {
      try {
        epoch.requireAfter(read(last.get()));
      } catch (RefusedSignatureException e) {
        throw new Refused(Kind.CONFLICT, "contradicts-earlier", sentence(e));
      }
    }
  }

  /// Whether `epoch` replaces the key under which the site is known, and says so.
  private static boolean rotated(EnrolledSite site, MembershipEpoch epoch) {
    return epoch.keyOf(site.site()).filter(key -> !key.equals(site.key())).isPresent()
        && epoch
            .revocation(site.key().fingerprint())
            .filter(revocation -> revocation.site().equals(Optional.of(site.site())))
            .isPresent();
  }

  private record Fault(String code, String sentence) {}

  private static List<String> sentences(List<Fault> faults) {
    return faults.stream().map(Fault::sentence).toList();
  }

  private List<Fault> faults(MembershipEpoch epoch) {
    List<Fault> faults = new ArrayList<>();
    if (!epoch.federation().equals(federation)) {
      faults.add(
          new Fault(
              "wrong-federation",
              "The membership is of federation %s, this aggregator serves %s."
                  .formatted(epoch.federation().value(), federation.value())));
    }
    if (!epoch.aggregator().equals(aggregator)) {
      faults.add(
          new Fault(
              "wrong-aggregator",
              "The membership names the aggregator key %s, ours is %s."
                  .formatted(
                      epoch.aggregator().displayFingerprint(), aggregator.displayFingerprint())));
    }
    if (epoch.expired(clock.instant())) {
      faults.add(
          new Fault(
              "membership-expired",
              "The membership expired at %s; sign a newer one.".formatted(epoch.expiresAt())));
    }
    for (var member : epoch.members()) {
      var known = store.site(member.site());
      if (known.isPresent() && rotated(known.get(), epoch)) {
        store
            .site(member.key())
            .ifPresent(holder ->
                faults.add(
                    new Fault(
                        "key-taken",
                        "Site %s cannot have the key %s, which site %s enrolled with."
                            .formatted(
                                member.site().value(),
                                member.key().displayFingerprint(),
                                holder.site().value()))));
      } else if (known.isEmpty() || !known.get().key().equals(member.key())) {
        faults.add(
            new Fault(
                "not-enrolled",
                "Site %s is not enrolled with the key %s."
                    .formatted(member.site().value(), member.key().displayFingerprint())));
      }
    }
    return faults;
  }

  private static SiteState standing(EnrolledSite site, MembershipEpoch epoch) {
    if (epoch.keyOf(site.site()).equals(Optional.of(site.key()))) {
      return SiteState.ACTIVE;
    }
    return site.state() == SiteState.PENDING && epoch.revocation(site.key().fingerprint()).isEmpty()
        ? SiteState.PENDING
        : SiteState.REVOKED;
  }
}
