package dev.comity.consortium;

import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MembershipEpoch.Member;
import dev.comity.membership.MembershipEpoch.Revocation;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// A membership as a person or a program reads it.
final class Descriptions {
  private Descriptions() {}

  static void print(MembershipEpoch epoch, PrintWriter out) {
    out.println("membership   version " + epoch.version() + " of " + epoch.federation());
    out.println("valid        " + epoch.issuedAt() + " to " + epoch.expiresAt());
    out.println("aggregator   " + epoch.aggregator().displayFingerprint());
    for (var member : epoch.members()) {
      out.println("member       " + member.site() + "  " + member.key().displayFingerprint());
    }
    for (var revocation : epoch.revocations()) {
      out.println("revoked      " + line(revocation));
    }
    for (var handOver : epoch.handOvers()) {
      out.println(
          "consortium   key "
              + handOver.succession().to()
              + " after version "
              + handOver.version());
    }
    out.println("n_C floor    " + epoch.nCFloor());
    out.println("allowed      " + allowed(epoch));
  }

  private static String line(Revocation revocation) {
    return "%s  key %s at %s: %s"
        .formatted(
            revocation.holder(), grouped(revocation.key()), revocation.at(), revocation.reason());
  }

  private static String grouped(Digest fingerprint) {
    return fingerprint.hex().replaceAll("(.{4})(?=.)", "$1-");
  }

  /// What signing `next` changes, for a person who is to confirm it.
  static void printChange(
      Optional<MembershipEpoch> before,
      MembershipEpoch next,
      MessagePublicKey signer,
      PrintWriter out) {
    out.println(
        "To be signed: membership version %d of %s, by the consortium key %s"
            .formatted(next.version(), next.federation(), signer));
    List<Member> members = before.map(MembershipEpoch::members).orElse(List.of());
    next.members().stream()
        .filter(member -> !members.contains(member))
        .forEach(member -> out.println("  + member     " + member.site() + "  " + member.key()));
    members.stream()
        .filter(member -> !next.members().contains(member))
        .forEach(member -> out.println("  - member     " + member.site() + "  " + member.key()));
    List<Revocation> revocations = before.map(MembershipEpoch::revocations).orElse(List.of());
    next.revocations().stream()
        .filter(revocation -> !revocations.contains(revocation))
        .forEach(revocation -> out.println("  + revoked    " + line(revocation)));
    next.handOvers().stream()
        .skip(before.map(MembershipEpoch::handOvers).map(List::size).orElse(0))
        .forEach(handOver ->
            out.println("  + consortium key from now on: " + handOver.succession().to()));
    changed("aggregator", before.map(MembershipEpoch::aggregator), next.aggregator(), out);
    changed("expires", before.map(MembershipEpoch::expiresAt), next.expiresAt(), out);
    changed("n_C floor", before.map(MembershipEpoch::nCFloor), next.nCFloor(), out);
    changed("allowed", before.map(Descriptions::allowed), allowed(next), out);
    out.println("  members in all: " + next.members().size());
  }

  private static <T> void changed(String what, Optional<T> before, T now, PrintWriter out) {
    if (!before.equals(Optional.of(now))) {
      out.println(
          "  %-10s %s%s"
              .formatted(what, now, before.map(value -> "  (was " + value + ")").orElse("")));
    }
  }

  private static String allowed(MembershipEpoch epoch) {
    return String.join(
        " ", epoch.allowedArchitectures().stream().map(ArchitecturePattern::value).toList());
  }

  static ObjectNode json(MembershipEpoch epoch) {
    ObjectNode json =
        Json.object()
            .put("federation", epoch.federation().value())
            .put("version", epoch.version())
            .put("issuedAt", epoch.issuedAt().toString())
            .put("expiresAt", epoch.expiresAt().toString())
            .put("aggregator", epoch.aggregator().displayFingerprint())
            .put("nCFloor", epoch.nCFloor());
    var members = json.putArray("members");
    for (var member : epoch.members()) {
      members
          .addObject()
          .put("site", member.site().value())
          .put("fingerprint", member.key().displayFingerprint());
    }
    var revocations = json.putArray("revocations");
    for (var revocation : epoch.revocations()) {
      var entry = revocations.addObject();
      revocation.site().ifPresent(site -> entry.put("site", site.value()));
      entry
          .put("fingerprint", grouped(revocation.key()))
          .put("at", revocation.at().toString())
          .put("reason", revocation.reason());
    }
    var handOvers = json.putArray("handOvers");
    for (var handOver : epoch.handOvers()) {
      handOvers
          .addObject()
          .put("version", handOver.version())
          .put("consortium", handOver.succession().to().displayFingerprint());
    }
    var allowed = json.putArray("allowedArchitectures");
    epoch.allowedArchitectures().forEach(pattern -> allowed.add(pattern.value()));
    return json;
  }
}
