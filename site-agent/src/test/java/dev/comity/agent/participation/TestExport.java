package dev.comity.agent.participation;

import dev.comity.formats.WeightsProvenance;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.PlanCodec;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.AuditExport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// The export of what [TestAggregator] did, file by file, so that a test can change any.
final class TestExport {
  private TestExport() {}

  static Map<String, byte[]> of(TestAggregator aggregator) {
    Map<String, byte[]> files = new LinkedHashMap<>();
    ModelVersion newest = aggregator.version();
    files.put(
        AuditExport.MANIFEST,
        new AuditExport.Manifest(newest.digest(), aggregator.enrolments.consortium.publicKey())
            .encode());
    files.put(AuditExport.membership(1), AuditExport.encodeMembership(aggregator.membership()));
    Deque<ModelVersion> versions = new ArrayDeque<>(List.of(newest));
    while (versions.getFirst().parent().isPresent()) {
      versions.addFirst(
          PlanCodec.decodeModelVersion(
              aggregator.content(versions.getFirst().parent().orElseThrow())));
    }
    for (ModelVersion version : versions) {
      int number = version.version();
      files.put(AuditExport.model(number), PlanCodec.encode(version));
      version
          .origin()
          .ifPresent(origin -> {
            files.put(AuditExport.plan(number), aggregator.content(origin.plan()));
            files.put(AuditExport.sum(number), aggregator.content(origin.sum()));
          });
    }
    var origin = newest.origin().orElseThrow();
    List<byte[]> tensors =
        aggregator.tensorFiles(
            WeightsProvenance.ofRound(
                newest.run().toString(),
                origin.round(),
                origin.plan().hex(),
                newest.parent().orElseThrow().hex()));
    files.put(AuditExport.WEIGHTS, tensors.getFirst());
    files.put(AuditExport.OPTIMIZER_STATE, tensors.getLast());
    aggregator.audit(log -> log(aggregator, log, files));
    return files;
  }

  private static void log(TestAggregator aggregator, TestAuditLog log, Map<String, byte[]> files) {
    List<AuditExport.ProvenLeaf> leaves = new ArrayList<>();
    for (int index = 0; index < log.size(); index++) {
      AuditEntry entry = log.entries().get(index);
      leaves.add(
          new AuditExport.ProvenLeaf(
              dev.comity.codec.Bytes.of(entry.encode()), log.tree().inclusion(index, log.size())));
      if (entry instanceof AuditEntry.Session session) {
        files.put(
            AuditExport.transcript(session.session()), aggregator.content(session.transcript()));
      }
    }
    files.put(AuditExport.LEAVES, AuditExport.encodeLeaves(leaves));
    files.put(
        AuditExport.HEADS,
        AuditExport.encodeHeads(
            List.of(
                new AuditExport.WitnessedHead(
                    log.head(),
                    log.tree().consistency(log.size(), log.size()),
                    List.copyOf(log.countersignatures().values())))));
  }

  static Path write(Map<String, byte[]> files, Path target) throws IOException {
    try (var zip = new ZipOutputStream(Files.newOutputStream(target))) {
      for (var file : files.entrySet()) {
        zip.putNextEntry(new ZipEntry(file.getKey()));
        zip.write(file.getValue());
        zip.closeEntry();
      }
    }
    return target;
  }

  static Digest consortium(TestAggregator aggregator) {
    return aggregator.enrolments.consortium.publicKey().fingerprint();
  }
}
