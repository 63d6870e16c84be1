package dev.comity.agent.participation;

import com.google.protobuf.ByteString;
import dev.comity.codec.Bytes;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.protocol.v1.AuditHead;
import dev.comity.protocol.v1.AuditInclusion;
import dev.comity.protocol.v1.AuditProof;
import dev.comity.protocol.v1.AuditProofRequest;
import dev.comity.protocol.v1.AuditProofResponse;
import dev.comity.protocol.v1.CountersignRequest;
import dev.comity.protocol.v1.NextAssignmentResponse;
import dev.comity.protocol.v1.SignedDocument;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.AuditExport;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.MerkleLog;
import dev.comity.transparency.SignedHead;
import dev.comity.transparency.TreeHead;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// The log of [TestAggregator], which a test may falsify. Guarded by the aggregator.
final class TestAuditLog {
  private MessageKey key;
  private final List<AuditEntry> entries = new ArrayList<>();
  private final Map<Long, Map<SiteId, Countersignature>> countersigned = new HashMap<>();
  private final Map<Long, SignedHead> heads = new HashMap<>();
  private MerkleLog tree = new MerkleLog();
  private Predicate<AuditEntry> withheld = entry -> false;
  private Predicate<AuditEntry> dropped = entry -> false;

  TestAuditLog(MessageKey key) {
    this.key = key;
  }

  /// The same history and heads, to be told on by itself.
  TestAuditLog copy() {
    var copy = new TestAuditLog(key);
    entries.forEach(copy::append);
    copy.heads.putAll(heads);
    countersigned.forEach((size, made) -> copy.countersigned.put(size, new HashMap<>(made)));
    return copy;
  }

  void append(AuditEntry entry) {
    if (!dropped.test(entry)) {
      entries.add(entry);
      tree.append(entry.leafHash());
    }
  }

  /// Another history from now on.
  void replace(List<AuditEntry> history) {
    tree = new MerkleLog();
    entries.clear();
    heads.clear();
    countersigned.clear();
    List.copyOf(history).forEach(this::append);
  }

  /// Signs with another key than the membership names.
  void forge() {
    sign(MessageKey.generate());
  }

  /// Signs heads of new sizes with this key.
  void sign(MessageKey next) {
    key = next;
  }

  /// No longer logs entries of this kind.
  void drop(Predicate<AuditEntry> which) {
    dropped = which;
  }

  /// No longer proves leaves of this kind.
  void withhold(Predicate<AuditEntry> which) {
    withheld = which;
  }

  List<AuditEntry> entries() {
    return List.copyOf(entries);
  }

  MerkleLog tree() {
    return tree;
  }

  long size() {
    return tree.size();
  }

  /// The head that was shown at an earlier size.
  AuditExport.WitnessedHead witnessed(long size) {
    return new AuditExport.WitnessedHead(
        Optional.ofNullable(heads.get(size)).orElseThrow(),
        tree.consistency(size, tree.size()),
        List.copyOf(countersigned.getOrDefault(size, Map.of()).values()));
  }

  SignedHead head() {
    return heads.computeIfAbsent(
        tree.size(),
        size ->
            SignedHead.sign(
                new TreeHead(
                    TestEnrolments.FEDERATION,
                    1,
                    size,
                    tree.root(),
                    Instant.now().truncatedTo(ChronoUnit.MILLIS)),
                key));
  }

  Map<SiteId, Countersignature> countersignatures() {
    return Map.copyOf(countersigned.getOrDefault(tree.size(), Map.of()));
  }

  @Nullable NextAssignmentResponse owed(SiteId site, Set<String> handled) {
    String id = "audit-" + head().digest().hex();
    if (tree.size() == 0 || handled.contains(id) || countersignatures().containsKey(site)) {
      return null;
    }
    return NextAssignmentResponse.newBuilder()
        .setId(id)
        .setAuditHead(
            AuditHead.newBuilder()
                .setHead(
                    SignedDocument.newBuilder()
                        .setDocument(ByteString.copyFrom(head().document().toByteArray()))
                        .setSignature(ByteString.copyFrom(head().signature().toByteArray()))))
        .build();
  }

  AuditProofResponse proof(AuditProofRequest request) {
    long size = request.getToSize();
    var proof =
        AuditProof.newBuilder()
            .addAllConsistency(path(tree.consistency(request.getFromSize(), size).path()));
    Set<ByteString> wanted = new java.util.HashSet<>(request.getSessionsList());
    wanted.addAll(request.getPlansList());
    for (int index = 0; index < size; index++) {
      AuditEntry entry = entries.get(index);
      if (wanted.contains(ByteString.copyFrom(entry.subject().bytes())) && !withheld.test(entry)) {
        proof.addInclusions(
            AuditInclusion.newBuilder()
                .setIndex(index)
                .setEntry(ByteString.copyFrom(entry.encode()))
                .addAllPath(path(tree.inclusion(index, size).path())));
      }
    }
    return AuditProofResponse.newBuilder().setProof(proof).build();
  }

  private static List<ByteString> path(List<Digest> path) {
    return path.stream().map(node -> ByteString.copyFrom(node.bytes())).toList();
  }

  void countersign(SiteId site, CountersignRequest request) {
    countersigned
        .computeIfAbsent(request.getSize(), any -> new HashMap<>())
        .put(
            site,
            new Countersignature(
                site,
                Digest.ofValue(request.getHeadDigest().toByteArray()),
                Bytes.of(request.getSignature().toByteArray())));
  }
}
