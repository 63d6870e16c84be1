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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The membership epochs that the consortium signed. The aggregator takes them as they come or
/// refuses them; it never makes one.
public final class Memberships {
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

  public Optional<SignedMembership> find(Digest digest) {
    return store.membership(digest);
  }

  /// Takes the next epoch: its members become active, members of before that it no longer lists are
  /// revoked. The newest epoch sent again changes nothing.
  ///
  /// @throws Refused with the code `no-consortium-key`, `bad-signature`, `bad-membership`,
  ///   `out-of-sequence`, `wrong-federation`, `wrong-aggregator`, `membership-expired` or
  ///   `not-enrolled`
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
      if (known.isEmpty() || !known.get().key().equals(member.key())) {
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
    return site.state() == SiteState.PENDING
            && !epoch.revokedKeys().contains(site.key().fingerprint())
        ? SiteState.PENDING
        : SiteState.REVOKED;
  }
}
