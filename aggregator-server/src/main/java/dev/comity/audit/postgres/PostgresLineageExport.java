package dev.comity.audit.postgres;

import dev.comity.audit.AuditHeads;
import dev.comity.audit.AuditLeaf;
import dev.comity.audit.AuditLog;
import dev.comity.audit.LineageExport;
import dev.comity.codec.Bytes;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.registry.ArtifactStore;
import dev.comity.registry.ModelRegistry;
import dev.comity.registry.PublishedModel;
import dev.comity.round.FederationAuthority;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.AuditExport;
import dev.comity.transparency.AuditExport.ProvenLeaf;
import dev.comity.transparency.AuditExport.WitnessedHead;
import dev.comity.transparency.Countersignature;
import java.io.IOException;
import java.io.OutputStream;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
final class PostgresLineageExport implements LineageExport {
  /// The same archive of the same state has the same bytes.
  private static final LocalDateTime NO_TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

  private final JdbcClient sql;
  private final AuditLog log;
  private final AuditHeads heads;
  private final ModelRegistry registry;
  private final ArtifactStore artifacts;
  private final FederationAuthority federation;

  PostgresLineageExport(
      JdbcClient sql,
      AuditLog log,
      AuditHeads heads,
      ModelRegistry registry,
      ArtifactStore artifacts,
      FederationAuthority federation) {
    this.sql = sql;
    this.log = log;
    this.heads = heads;
    this.registry = registry;
    this.artifacts = artifacts;
    this.federation = federation;
  }

  @Override
  public Archive of(Digest model) {
    var versions = registry.lineage(model).generations().reversed();
    var newest = versions.getLast().version();
    if (newest.version() == 0) {
      throw new NotExportable(
          "Version 0 follows from the seed of its run; there is no round to prove.");
    }
    var consortium =
        federation
            .consortium()
            .orElseThrow(() -> new NotExportable("No membership was signed yet."));
    Map<String, byte[]> documents = new LinkedHashMap<>();
    Map<String, Digest> stored = new LinkedHashMap<>();
    documents.put(AuditExport.MANIFEST, new AuditExport.Manifest(model, consortium).encode());
    long membership = 0;
    for (var signed : memberships()) {
      documents.put(AuditExport.membership(++membership), AuditExport.encodeMembership(signed));
    }
    Set<Digest> plans = new HashSet<>();
    for (var published : versions) {
      lineage(published, documents, stored, plans);
    }
    var leaves = new ArrayList<AuditLeaf>(membershipLeaves());
    for (var leaf : log.leaves(newest.run())) {
      if (concerns(leaf.decoded(), plans)) {
        leaves.add(leaf);
      }
    }
    for (var leaf : leaves) {
      if (leaf.decoded() instanceof AuditEntry.Session session) {
        stored.put(AuditExport.transcript(session.session()), session.transcript());
      }
    }
    var head = heads.newest().head().size(); // after the leaves: it holds them all
    documents.put(
        AuditExport.LEAVES,
        AuditExport.encodeLeaves(
            leaves.stream()
                .map(leaf -> new ProvenLeaf(leaf.entry(), log.inclusion(leaf.index(), head)))
                .toList()));
    documents.put(AuditExport.HEADS, AuditExport.encodeHeads(witnessed(head)));
    stored.put(AuditExport.WEIGHTS, newest.weights());
    stored.put(AuditExport.OPTIMIZER_STATE, newest.optimizerState());
    for (var digest : stored.values()) {
      if (!artifacts.exists(digest)) {
        throw new NotExportable(
            "The artifact %s of the lineage is missing; restore the data directory."
                .formatted(digest.abbreviated()));
      }
    }
    return out -> write(out, documents, stored);
  }

  private static void lineage(
      PublishedModel published,
      Map<String, byte[]> documents,
      Map<String, Digest> stored,
      Set<Digest> plans) {
    ModelVersion version = published.version();
    documents.put(AuditExport.model(version.version()), published.document().toByteArray());
    version
        .origin()
        .ifPresent(origin -> {
          stored.put(AuditExport.plan(version.version()), origin.plan());
          stored.put(AuditExport.sum(version.version()), origin.sum());
          plans.add(origin.plan());
        });
  }

  private static boolean concerns(AuditEntry entry, Set<Digest> plans) {
    return switch (entry) {
      case AuditEntry.Membership _ -> false;
      case AuditEntry.Session session -> plans.contains(session.plan());
      case AuditEntry.Round round -> plans.contains(round.plan());
      case AuditEntry.Run _ -> true;
    };
  }

  private List<SignedMembership> memberships() {
    return sql.sql("select document, signature from membership_epoch order by version")
        .query((row, _) ->
            new SignedMembership(
                Bytes.of(row.getBytes("document")), Bytes.of(row.getBytes("signature"))))
        .list();
  }

  private List<AuditLeaf> membershipLeaves() {
    return memberships().stream()
        .map(signed ->
            log.leaf("membership", signed.digest())
                .orElseThrow(() ->
                    new NotExportable(
                        "The membership epoch %s was taken before there was an audit log."
                            .formatted(signed.digest().abbreviated()))))
        .toList();
  }

  /// The heads that sites countersigned, of each site its last, and the newest.
  private List<WitnessedHead> witnessed(long newest) {
    var sizes = new TreeSet<>(heads.lastCountersigned());
    sizes.add(newest);
    return sizes.headSet(newest, true).stream()
        .map(size ->
            new WitnessedHead(
                heads.of(size).orElseThrow().signed(),
                log.consistency(size, newest),
                countersignatures(size)))
        .toList();
  }

  private List<Countersignature> countersignatures(long size) {
    return heads.countersignatures(size).stream()
        .map(AuditHeads.Received::countersignature)
        .toList();
  }

  private void write(OutputStream out, Map<String, byte[]> documents, Map<String, Digest> stored)
      throws IOException {
    var zip = new ZipOutputStream(out);
    for (var document : documents.entrySet()) {
      begin(zip, document.getKey());
      zip.write(document.getValue());
      zip.closeEntry();
    }
    for (var artifact : stored.entrySet()) {
      begin(zip, artifact.getKey());
      try (var content = artifacts.open(artifact.getValue(), 0)) {
        content.transferTo(zip);
      }
      zip.closeEntry();
    }
    zip.finish();
  }

  private static void begin(ZipOutputStream zip, String name) throws IOException {
    var entry = new ZipEntry(name);
    entry.setTimeLocal(NO_TIME);
    zip.putNextEntry(entry);
  }
}
