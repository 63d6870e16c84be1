package dev.comity.consortium;

import dev.comity.membership.ArchitecturePattern;
import dev.comity.membership.MembershipEpoch;
import java.io.PrintWriter;
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
    out.println("revoked keys " + epoch.revokedKeys().size());
    out.println("n_C floor    " + epoch.nCFloor());
    out.println(
        "allowed      "
            + String.join(
                " ",
                epoch.allowedArchitectures().stream().map(ArchitecturePattern::value).toList()));
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
    var revoked = json.putArray("revokedKeys");
    epoch.revokedKeys().forEach(key -> revoked.add(key.hex()));
    var allowed = json.putArray("allowedArchitectures");
    epoch.allowedArchitectures().forEach(pattern -> allowed.add(pattern.value()));
    return json;
  }
}
