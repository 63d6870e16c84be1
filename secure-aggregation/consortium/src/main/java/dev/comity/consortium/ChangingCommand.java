package dev.comity.consortium;

import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MembershipEpoch.HandOver;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.membership.MembershipEpoch.Revocation;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.SiteId;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A command that changes the present membership and needs nobody's word but the consortium's.
abstract class ChangingCommand extends SigningCommand {
  ChangingCommand(Clock clock, Confirmation confirmation) {
    super(clock, confirmation);
  }

  /// The present membership as the draft of the next.
  final MembershipEpoch draft(Basis basis) {
    MembershipEpoch present = basis.present();
    return new MembershipEpoch(
        present.federation(),
        basis.version(),
        basis.now(),
        expiry(basis),
        present.aggregator(),
        present.members(),
        present.revocations(),
        present.nCFloor(),
        present.allowedArchitectures(),
        basis.last().map(SignedMembership::digest),
        present.handOvers());
  }

  /// `draft` without the present key of `site`, which is revoked, and with `next` if there is one.
  static MembershipEpoch replaceKey(
      MembershipEpoch draft, SiteId site, Optional<MessagePublicKey> next, String reason) {
    MessagePublicKey present = keyOf(draft, site);
    List<Member> members = new ArrayList<>(draft.members());
    members.remove(new Member(site, present));
    next.ifPresent(key -> members.add(new Member(site, key)));
    return with(
        draft,
        members,
        added(
            draft.revocations(),
            new Revocation(Optional.of(site), present.fingerprint(), draft.issuedAt(), reason)),
        draft.handOvers());
  }

  static MembershipEpoch handedOver(MembershipEpoch draft, HandOver handOver) {
    return with(draft, draft.members(), draft.revocations(), added(draft.handOvers(), handOver));
  }

  static MessagePublicKey keyOf(MembershipEpoch epoch, SiteId site) {
    return epoch
        .keyOf(site)
        .orElseThrow(() ->
            new IllegalArgumentException(
                epoch.revocations().stream()
                    .filter(revocation -> revocation.site().equals(Optional.of(site)))
                    .map(revocation ->
                        "site %s is no member: it was revoked at %s (%s)"
                            .formatted(site, revocation.at(), revocation.reason()))
                    .findFirst()
                    .orElse("site %s is no member; see: comity-consortium show".formatted(site))));
  }

  private static MembershipEpoch with(
      MembershipEpoch draft,
      List<Member> members,
      List<Revocation> revocations,
      List<HandOver> handOvers) {
    Instant issuedAt = draft.issuedAt();
    return new MembershipEpoch(
        draft.federation(),
        draft.version(),
        issuedAt,
        draft.expiresAt(),
        draft.aggregator(),
        members,
        revocations,
        draft.nCFloor(),
        draft.allowedArchitectures(),
        draft.previous(),
        handOvers);
  }

  private static <T> List<T> added(List<T> list, T item) {
    List<T> longer = new ArrayList<>(list);
    longer.add(item);
    return longer;
  }

  @Override
  Told toldByFiles() {
    return new Told() {
      @Override
      public FederationInfo federation() {
        throw new IllegalStateException("a change of the membership asks no aggregator");
      }

      @Override
      public Map<SiteId, MessagePublicKey> enrolments() {
        throw new IllegalStateException("a change of the membership asks no aggregator");
      }
    };
  }
}
