package dev.comity.agent.participation;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.comity.agent.link.AggregatorLink;
import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.codec.Bytes;
import dev.comity.codec.MalformedException;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.AuditInclusion;
import dev.comity.protocol.v1.AuditProof;
import dev.comity.protocol.v1.AuditProofRequest;
import dev.comity.protocol.v1.SignedDocument;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.ConsistencyProof;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.InclusionProof;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Checks each head of the audit log that the aggregator shows, and countersigns it. A log that
/// shrank, forked or lacks what this site took part in is refused, and its heads are kept as
/// evidence. Confined to the agent's main thread.
final class AuditWork {
  private static final Logger LOG = LoggerFactory.getLogger(AuditWork.class);

  private final AggregatorLink link;
  private final AuditBook book;
  private final MembershipStore memberships;
  private final SiteId site;
  private final MessageKey key;
  private final StatusBoard status;

  AuditWork(
      AggregatorLink link,
      AuditBook book,
      MembershipStore memberships,
      SiteId site,
      MessageKey key,
      StatusBoard status) {
    this.link = link;
    this.book = book;
    this.memberships = memberships;
    this.site = site;
    this.key = key;
    this.status = status;
  }

  /// What is wrong with the log or with a head.
  private static final class Refused extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refused(String message) {
      super(message);
    }
  }

  /// Shows where the site stands.
  void show() {
    status.audit(book.head().map(TreeHead::size).orElse(0L), book.alarm().orElse(null));
  }

  /// A session that this site took part in ended with this certificate.
  void sessionEnded(Digest session, Digest certificate) {
    book.expect(session, certificate);
  }

  /// This site recomputed the model of this round.
  void roundVerified(AuditEntry.Round round) {
    book.expect(round);
  }

  /// Checks a head and countersigns it.
  ///
  /// @throws LinkException when it must be tried again
  void head(SignedDocument document) throws LinkException {
    SignedHead shown;
    try {
      shown =
          new SignedHead(
              Bytes.of(document.getDocument().toByteArray()),
              Bytes.of(document.getSignature().toByteArray()));
    } catch (IllegalArgumentException e) {
      LOG.atError().addKeyValue("site", site).setCause(e).log("Audit head is malformed");
      status.problem(e.getMessage());
      return;
    }
    try {
      TreeHead head = checked(shown);
      book.countersigned(shown);
      link.countersign(head.size(), Countersignature.sign(site, shown, key));
      LOG.atInfo()
          .addKeyValue("site", site)
          .addKeyValue("size", head.size())
          .addKeyValue("digest", shown.digest().abbreviated())
          .log("Audit head countersigned");
    } catch (Refused e) {
      LOG.atError()
          .addKeyValue("site", site)
          .addKeyValue("digest", shown.digest().abbreviated())
          .addKeyValue("reason", e.getMessage())
          .log("Audit head refused; tell the consortium");
      book.alarm(String.valueOf(e.getMessage()), shown);
    } catch (RefusedByAggregator e) {
      LOG.atWarn()
          .addKeyValue("site", site)
          .addKeyValue("reason", e.getMessage())
          .log("Countersignature not taken");
      status.problem(e.getMessage());
    }
    show();
  }

  private TreeHead verified(SignedHead signed) {
    MembershipEpoch epoch =
        memberships
            .current()
            .orElseThrow(
                () -> new Refused("an audit head before a membership that the consortium signed"));
    TreeHead head;
    try {
      head = signed.verify(epoch.aggregator());
    } catch (RefusedSignatureException | MalformedException e) {
      throw new Refused(String.valueOf(e.getMessage()));
    }
    if (!head.federation().equals(epoch.federation())) {
      throw new Refused(
          "an audit head of federation %s; this site belongs to %s"
              .formatted(head.federation(), epoch.federation()));
    }
    return head;
  }

  private TreeHead checked(SignedHead shown) throws LinkException {
    TreeHead head = verified(shown);
    Optional<TreeHead> known = book.head();
    known.ifPresent(before -> requireGrown(before, head));
    AuditProof proof;
    try {
      proof = link.auditProof(request(known, head));
    } catch (RefusedByAggregator e) {
      throw new Refused(
          "the aggregator does not prove its log of size %d: %s"
              .formatted(head.size(), e.getMessage()));
    }
    known.ifPresent(before -> requireContinued(before, head, proof));
    requireIncluded(head, proof);
    return head;
  }

  private static void requireGrown(TreeHead before, TreeHead head) {
    if (head.federationEpoch() < before.federationEpoch()) {
      throw new Refused(
          "the audit log went back from federation epoch %d to %d"
              .formatted(before.federationEpoch(), head.federationEpoch()));
    }
    if (head.size() < before.size()) {
      throw new Refused(
          "the audit log shrank from %d leaves to %d: what happened since is no longer told"
              .formatted(before.size(), head.size()));
    }
    if (head.size() == before.size() && !head.root().equals(before.root())) {
      throw new Refused(
          "the audit log forked: two heads of size %d with roots %s and %s, both signed by the aggregator"
              .formatted(head.size(), before.root().abbreviated(), head.root().abbreviated()));
    }
  }

  private AuditProofRequest request(Optional<TreeHead> known, TreeHead head) {
    return AuditProofRequest.newBuilder()
        .setFromSize(known.map(TreeHead::size).orElse(0L))
        .setToSize(head.size())
        .addAllSessions(book.sessions().keySet().stream().map(AuditWork::bytes).toList())
        .addAllPlans(book.rounds().keySet().stream().map(AuditWork::bytes).toList())
        .build();
  }

  private static void requireContinued(TreeHead before, TreeHead head, AuditProof proof) {
    var consistency =
        new ConsistencyProof(before.size(), head.size(), path(proof.getConsistencyList()));
    if (!consistency.proves(before.root(), head.root())) {
      throw new Refused(
          "the audit log of size %d does not continue the one of size %d that this site countersigned: its past was changed"
              .formatted(head.size(), before.size()));
    }
  }

  private void requireIncluded(TreeHead head, AuditProof proof) {
    Map<Digest, AuditEntry.Session> sessions = new HashMap<>();
    Map<Digest, AuditEntry.Round> rounds = new HashMap<>();
    for (AuditInclusion inclusion : proof.getInclusionsList()) {
      switch (included(head, inclusion)) {
        case AuditEntry.Session session -> sessions.put(session.session(), session);
        case AuditEntry.Round round -> rounds.put(round.plan(), round);
        case AuditEntry.Membership _, AuditEntry.Run _ -> {}
      }
    }
    book.sessions()
        .forEach((id, certificate) -> {
          AuditEntry.Session session = sessions.get(id);
          if (session == null || !session.certificate().equals(Optional.of(certificate))) {
            throw new Refused(
                "the audit log of size %d does not hold the end of session %s with certificate %s, in which this site took part"
                    .formatted(head.size(), id.abbreviated(), certificate.abbreviated()));
          }
        });
    book.rounds()
        .forEach((plan, expected) -> {
          if (!expected.equals(rounds.get(plan))) {
            throw new Refused(
                "the audit log of size %d does not hold round %d of run %s as this site verified it"
                    .formatted(head.size(), expected.round(), expected.run()));
          }
          sessions.values().stream()
              .filter(session -> session.plan().equals(plan))
              .filter(session -> session.outcome() == AuditEntry.SessionOutcome.SUMMED)
              .filter(session -> !session.transcript().equals(expected.transcript()))
              .forEach(session -> {
                throw new Refused(
                    "the audit log names transcript %s for session %s and %s for its round"
                        .formatted(
                            session.transcript().abbreviated(),
                            session.session().abbreviated(),
                            expected.transcript().abbreviated()));
              });
        });
  }

  private static AuditEntry included(TreeHead head, AuditInclusion inclusion) {
    AuditEntry entry;
    boolean proven;
    try {
      entry = AuditEntry.decode(inclusion.getEntry().toByteArray());
      proven =
          new InclusionProof(inclusion.getIndex(), head.size(), path(inclusion.getPathList()))
              .proves(entry.leafHash(), head.root());
    } catch (MalformedException | IllegalArgumentException e) {
      throw new Refused("an inclusion proof that is none: " + e.getMessage());
    }
    if (!proven) {
      throw new Refused(
          "leaf %d, a %s, is not in the audit log of size %d"
              .formatted(inclusion.getIndex(), entry.kind(), head.size()));
    }
    return entry;
  }

  private static List<Digest> path(List<ByteString> path) {
    try {
      return path.stream().map(node -> Digest.ofValue(node.toByteArray())).toList();
    } catch (IllegalArgumentException e) {
      throw new Refused("a proof with a node that is no digest: " + e.getMessage());
    }
  }

  private static ByteString bytes(Digest digest) {
    return UnsafeByteOperations.unsafeWrap(digest.bytes());
  }
}
