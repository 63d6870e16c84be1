package dev.comity.e2e;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.plan.Digest;
import dev.comity.plan.PlanCodec;
import dev.comity.protocol.v1.HelloResponse;
import dev.comity.protocol.v1.NextAssignmentResponse;
import dev.comity.protocol.v1.SignedDocument;
import dev.comity.transparency.TreeHead;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a site heard from the aggregator. What it says of documents, runs and epochs must follow
/// from this, so that none of these fields can carry anything of its own.
final class Heard {
  private static final String SERVICE = "comity.v1.SiteService/";

  private final Set<Object> epochs = new HashSet<>();
  private final Set<Object> assignments = new HashSet<>();
  private final Set<Object> rounds = new HashSet<>();
  private final Set<Long> vectorBytes = new HashSet<>();
  private final Set<Long> logSizes = new HashSet<>(Set.of(0L));
  private final Map<Long, Bytes> memberships = new HashMap<>();
  private final Set<Bytes> sessions = new HashSet<>();
  private final Set<Bytes> derived = new HashSet<>();
  private final String assigned;

  Heard(List<RecordedLink.Message> received) throws InvalidProtocolBufferException {
    var raw = new ByteArrayOutputStream();
    for (var message : received) {
      byte[] content = message.content().toByteArray();
      if (message.method().equals(SERVICE + "Hello")) {
        var accepted = HelloResponse.parseFrom(content).getAccepted();
        epochs.add(accepted.getFederationEpoch());
        if (accepted.hasMembership()) {
          take(accepted.getMembership());
        }
      } else if (message.method().equals(SERVICE + "NextAssignment")) {
        raw.writeBytes(content);
        take(NextAssignmentResponse.parseFrom(content));
      }
    }
    assigned = raw.toString(StandardCharsets.ISO_8859_1);
  }

  private void take(NextAssignmentResponse assignment) {
    assignments.add(assignment.getId());
    if (assignment.hasMembershipChanged()) {
      take(assignment.getMembershipChanged().getMembership());
    }
    if (assignment.hasSessionStep()) {
      sessions.add(Bytes.of(assignment.getSessionStep().getSessionId().toByteArray()));
    }
    if (assignment.hasAuditHead()) {
      byte[] document = assignment.getAuditHead().getHead().getDocument().toByteArray();
      logSizes.add(TreeHead.decode(document).size());
      derived.add(Bytes.of(Digest.of(document).bytes()));
    }
    if (assignment.hasRoundOffer()) {
      byte[] document = assignment.getRoundOffer().getPlan().toByteArray();
      var plan = PlanCodec.decodePlan(document);
      rounds.add(plan.terms().run().toString());
      rounds.add(plan.round());
      vectorBytes.add(plan.terms().vector().byteLength());
      derived.add(Bytes.of(Digest.of(document).bytes()));
      derived.add(Bytes.of(plan.terms().digest().bytes()));
      derived.add(
          Bytes.of(Digest.of(assignment.getRoundOffer().getModelVersion().toByteArray()).bytes()));
    }
  }

  private void take(SignedDocument membership) {
    byte[] document = membership.getDocument().toByteArray();
    long version = CborReader.map(document, "MembershipEpoch").integer("version");
    memberships.put(version, Bytes.of(Digest.of(document).bytes()));
  }

  /// Digests of memberships by their versions.
  Map<Long, Bytes> memberships() {
    return memberships;
  }

  /// Federation epochs.
  Set<Object> epochs() {
    return epochs;
  }

  /// Names of assignments.
  Set<Object> assignments() {
    return assignments;
  }

  /// Run ids and numbers of rounds.
  Set<Object> rounds() {
    return rounds;
  }

  /// Lengths of the vectors that the plans ask for.
  Set<Long> vectorBytes() {
    return vectorBytes;
  }

  /// Sizes of the audit log's heads, and of the empty log.
  Set<Long> logSizes() {
    return logSizes;
  }

  /// How many sessions.
  int sessions() {
    return sessions.size();
  }

  /// Whether `digest` stands in one of the aggregator's assignments or in a document that came with
  /// it, or is the digest of such a document.
  boolean knows(Bytes digest) {
    return digest.size() == Digest.SIZE
        && (derived.contains(digest)
            || assigned.contains(new String(digest.toByteArray(), StandardCharsets.ISO_8859_1)));
  }
}
