package dev.comity.agent.audit;

import dev.comity.algorithm.ServerOptimizer;
import dev.comity.codec.MalformedException;
import dev.comity.formats.BuiltInModel;
import dev.comity.formats.MalformedSafetensorsException;
import dev.comity.formats.OptimizerStateFile;
import dev.comity.formats.WeightsFile;
import dev.comity.formats.WeightsProvenance;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.RefusedSignatureException;
import dev.comity.membership.SignatureLabel;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.ModelVersion;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.RoundPlan;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionRefusal;
import dev.comity.session.TranscriptVerifier;
import dev.comity.session.TranscriptVerifier.Proven;
import dev.comity.transparency.AuditEntry;
import dev.comity.transparency.AuditExport;
import dev.comity.transparency.AuditExport.ProvenLeaf;
import dev.comity.transparency.AuditExport.WitnessedHead;
import dev.comity.transparency.Countersignature;
import dev.comity.transparency.TreeHead;
import dev.comity.update.AggregateUpdate;
import dev.comity.update.RejectedSum;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Checks the export of a model's lineage, from the consortium's key alone: the memberships, every
/// certificate, every sum, the server's step from the seed to the last weight, the place of all of
/// it in the audit log, and the sites' countersignatures. Nothing is asked of anybody.
public final class LineageVerifier {
  private static final int MOST_DOCUMENT_BYTES = 64 << 20;
  private static final int MOST_TENSOR_BYTES = Integer.MAX_VALUE - 8;

  private final ExportArchive archive;
  private final Map<Digest, MembershipEpoch> memberships = new LinkedHashMap<>();
  private final Map<Digest, AuditEntry.Session> sessions = new LinkedHashMap<>();
  private final Map<Digest, AuditEntry.Round> rounds = new HashMap<>();
  private final Set<Digest> loggedMemberships = new HashSet<>();
  private @Nullable MembershipEpoch newest;
  private long lastLeaf;
  private float[] weights = new float[0];
  private float[] firstMoment = new float[0];
  private float[] secondMoment = new float[0];

  private LineageVerifier(ExportArchive archive) {
    this.archive = archive;
  }

  /// What the export proves.
  ///
  /// @param consortium the fingerprint of the consortium's key, the only thing that is trusted
  /// @throws DoesNotHoldException with the first thing that does not hold
  /// @throws IOException when the file is no zip or cannot be read
  public static LineageReport verify(Path export, Digest consortium) throws IOException {
    try (var archive = ExportArchive.open(export)) {
      return new LineageVerifier(archive).verify(consortium);
    }
  }

  private LineageReport verify(Digest consortium) {
    AuditExport.Manifest manifest =
        holds(
            AuditExport.MANIFEST,
            () -> AuditExport.Manifest.decode(document(AuditExport.MANIFEST)));
    require(
        manifest.consortium().fingerprint().equals(consortium),
        AuditExport.MANIFEST,
        "names the consortium key %s; trusted is %s",
        manifest.consortium().fingerprint(),
        consortium);
    readMemberships(manifest);
    MembershipEpoch membership = required(newest);
    List<WitnessedHead> heads =
        holds(AuditExport.HEADS, () -> AuditExport.decodeHeads(document(AuditExport.HEADS)));
    require(!heads.isEmpty(), AuditExport.HEADS, "holds no head");
    TreeHead head = head(heads.getLast());
    SortedMap<SiteId, Long> countersigned = countersigned(heads, head);
    int leaves = readLeaves(head);
    for (Digest digest : memberships.keySet()) {
      require(
          loggedMemberships.contains(digest),
          AuditExport.LEAVES,
          "holds no leaf of membership %s",
          digest.abbreviated());
    }
    List<ModelVersion> versions = readModels(manifest.model());
    List<LineageReport.Round> reports = new ArrayList<>();
    long seed = 0;
    for (ModelVersion version : versions) {
      if (version.version() == 0) {
        seed = plan(versions.get(1)).terms().seed();
        begin(version, seed);
      } else {
        reports.add(follow(versions.get(version.version() - 1), version, seed));
      }
    }
    ModelVersion model = versions.getLast();
    requireFile(AuditExport.WEIGHTS, model.weights());
    requireFile(AuditExport.OPTIMIZER_STATE, model.optimizerState());
    archive.end();
    return new LineageReport(model, membership, head, leaves, lastLeaf, reports, countersigned);
  }

  private void readMemberships(AuditExport.Manifest manifest) {
    Optional<SignedMembership> last = Optional.empty();
    for (long version = 1; archive.holds(AuditExport.membership(version)); version++) {
      String file = AuditExport.membership(version);
      Optional<SignedMembership> before = last;
      SignedMembership signed = holds(file, () -> AuditExport.decodeMembership(document(file)));
      MembershipEpoch epoch = holds(file, () -> signed.verifyAfter(before, manifest.consortium()));
      memberships.put(signed.digest(), epoch);
      newest = epoch;
      last = Optional.of(signed);
    }
    require(newest != null, AuditExport.membership(1), "is missing from the export");
  }

  /// Signed by the aggregator that some epoch names: its key may have changed since.
  private TreeHead head(WitnessedHead witnessed) {
    MembershipEpoch membership = required(newest);
    MessagePublicKey key =
        memberships.values().stream()
            .map(MembershipEpoch::aggregator)
            .filter(each -> signed(witnessed, each))
            .findFirst()
            .orElse(membership.aggregator());
    TreeHead head = holds(AuditExport.HEADS, () -> witnessed.head().verify(key));
    require(
        head.federation().equals(membership.federation()),
        AuditExport.HEADS,
        "is of federation %s; the membership is of %s",
        head.federation(),
        membership.federation());
    return head;
  }

  private static boolean signed(WitnessedHead witnessed, MessagePublicKey key) {
    return key.verify(
        SignatureLabel.AUDIT_HEAD,
        witnessed.head().signature(),
        witnessed.head().document().toByteArray());
  }

  private SortedMap<SiteId, Long> countersigned(List<WitnessedHead> heads, TreeHead newestHead) {
    SortedMap<SiteId, Long> countersigned = new TreeMap<>();
    for (WitnessedHead witnessed : heads) {
      TreeHead head = head(witnessed);
      require(
          witnessed.toNewest().from() == head.size()
              && witnessed.toNewest().to() == newestHead.size()
              && witnessed.toNewest().proves(head.root(), newestHead.root()),
          AuditExport.HEADS,
          "the head of size %d is not continued by the newest, of size %d",
          head.size(),
          newestHead.size());
      for (Countersignature each : witnessed.countersignatures()) {
        require(
            memberships.values().stream()
                .flatMap(epoch -> epoch.keyOf(each.site()).stream())
                .anyMatch(each::verifies),
            AuditExport.HEADS,
            "the countersignature of %s under the head of size %d does not verify",
            each.site(),
            head.size());
        countersigned.merge(each.site(), head.size(), Math::max);
      }
    }
    return countersigned;
  }

  private int readLeaves(TreeHead head) {
    List<ProvenLeaf> leaves =
        holds(AuditExport.LEAVES, () -> AuditExport.decodeLeaves(document(AuditExport.LEAVES)));
    for (ProvenLeaf leaf : leaves) {
      byte[] bytes = leaf.entry().toByteArray();
      AuditEntry entry = holds(AuditExport.LEAVES, () -> AuditEntry.decode(bytes));
      require(
          leaf.proof().size() == head.size() && leaf.proof().proves(entry.leafHash(), head.root()),
          AuditExport.LEAVES,
          "leaf %d, a %s, is not under the head of size %d",
          leaf.proof().index(),
          entry.kind(),
          head.size());
      boolean fresh =
          switch (entry) {
            case AuditEntry.Membership membership -> {
              lastLeaf = Math.max(lastLeaf, leaf.proof().index());
              yield loggedMemberships.add(membership.document());
            }
            case AuditEntry.Session session -> {
              lastLeaf = Math.max(lastLeaf, leaf.proof().index());
              yield sessions.putIfAbsent(session.session(), session) == null;
            }
            case AuditEntry.Round round -> {
              lastLeaf = Math.max(lastLeaf, leaf.proof().index());
              yield rounds.putIfAbsent(round.plan(), round) == null;
            }
            case AuditEntry.Run _ -> true;
          };
      require(
          fresh,
          AuditExport.LEAVES,
          "leaf %d tells of a %s that another leaf told of",
          leaf.proof().index(),
          entry.kind());
    }
    return leaves.size();
  }

  /// Version 0 first. Read from the newest, which the manifest names, down: each names the digest
  /// of the one before, so that the document that was changed is the one that is accused.
  private List<ModelVersion> readModels(Digest model) {
    int count = 0;
    while (archive.holds(AuditExport.model(count))) {
      count++;
    }
    require(count > 1, AuditExport.model(count), "is missing from the export");
    Deque<ModelVersion> versions = new ArrayDeque<>();
    Optional<Digest> wanted = Optional.of(model);
    for (int number = count - 1; number >= 0; number--) {
      String file = AuditExport.model(number);
      byte[] document = document(file);
      require(
          wanted.equals(Optional.of(Digest.of(document))),
          file,
          "has digest %s; named is %s",
          Digest.of(document).abbreviated(),
          name(wanted));
      ModelVersion version = holds(file, () -> PlanCodec.decodeModelVersion(document));
      require(version.version() == number, file, "is version %d of the model", version.version());
      ModelVersion child = versions.peekFirst();
      require(
          child == null
              || version.run().equals(child.run())
                  && version.federation().equals(child.federation())
                  && version.architecture().equals(child.architecture())
                  && version.parameters().equals(child.parameters()),
          file,
          "is of another run, federation or architecture than its child");
      versions.addFirst(version);
      wanted = version.parent();
    }
    require(
        versions.getFirst().federation().equals(required(newest).federation()),
        AuditExport.model(0),
        "is of federation %s; the membership is of %s",
        versions.getFirst().federation(),
        required(newest).federation());
    return List.copyOf(versions);
  }

  private static String name(Optional<Digest> digest) {
    return digest.map(Digest::abbreviated).orElse("none");
  }

  /// The plan of the round behind a version, which names it by digest.
  private RoundPlan plan(ModelVersion version) {
    String file = AuditExport.plan(version.version());
    byte[] document = document(file);
    Digest named = version.origin().orElseThrow().plan();
    require(
        Digest.of(document).equals(named),
        file,
        "is not the plan %s that version %d names",
        named.abbreviated(),
        version.version());
    return holds(file, () -> PlanCodec.decodePlan(document));
  }

  private void begin(ModelVersion version, long seed) {
    BuiltInModel model = holds(AuditExport.model(0), () -> model(version));
    weights = model.initialValues(seed);
    firstMoment = new float[model.size()];
    secondMoment = new float[model.size()];
    requireTensors(version, WeightsProvenance.initial(version.run().toString()));
  }

  private LineageReport.Round follow(ModelVersion parent, ModelVersion version, long seed) {
    ModelVersion.Origin origin = version.origin().orElseThrow();
    String planFile = AuditExport.plan(version.version());
    RoundPlan plan = plan(version);
    var terms = plan.terms();
    require(
        terms.kind() == RunKind.TRAIN
            && terms.federation().equals(version.federation())
            && terms.run().equals(version.run())
            && terms.baseModel().equals(parent.digest())
            && terms.baseVersion() == parent.version()
            && terms.weights().equals(parent.weights())
            && terms.optimizerState().equals(parent.optimizerState())
            && terms.architecture().equals(version.architecture())
            && terms.parameters().digest().equals(version.parameters())
            && terms.seed() == seed
            && plan.round() == origin.round()
            && plan.serverStep().equals(origin.step())
            && plan.cohort().containsAll(origin.participants()),
        planFile,
        "is for another base, step, seed or cohort than version %d says",
        version.version());
    LineageReport.Round report = session(version, origin, plan);
    AuditEntry.Round round = rounds.get(origin.plan());
    require(
        round != null
            && round.equals(
                new AuditEntry.Round(
                    version.run(),
                    origin.round(),
                    origin.plan(),
                    origin.sum(),
                    origin.transcript(),
                    Optional.of(version.digest()))),
        AuditExport.LEAVES,
        "holds no leaf of round %d with the plan, sum, transcript and model of version %d",
        origin.round(),
        version.version());
    AggregateUpdate sum = sum(version, origin, plan);
    ServerOptimizer.apply(origin.step(), weights, firstMoment, secondMoment, sum.mean());
    requireTensors(
        version,
        WeightsProvenance.ofRound(
            version.run().toString(), origin.round(), origin.plan().hex(), parent.digest().hex()));
    return report;
  }

  /// The one session over the plan that gave the sum, and those before it that gave none.
  private LineageReport.Round session(
      ModelVersion version, ModelVersion.Origin origin, RoundPlan plan) {
    LineageReport.@Nullable Round report = null;
    int failed = 0;
    for (AuditEntry.Session logged : List.copyOf(sessions.values())) {
      if (!logged.plan().equals(origin.plan())) {
        continue;
      }
      String file = AuditExport.transcript(logged.session());
      byte[] transcript = document(file);
      require(
          Digest.of(transcript).equals(logged.transcript()),
          file,
          "is not the transcript %s that the log names",
          logged.transcript().abbreviated());
      Proven proven =
          holds(
              file,
              () ->
                  TranscriptVerifier.verify(
                      transcript, digest -> Optional.ofNullable(memberships.get(digest))));
      requireSessionOf(file, proven.descriptor(), logged, plan);
      switch (proven) {
        case Proven.Aborted aborted -> {
          require(
              logged.outcome() == AuditEntry.SessionOutcome.ABORTED
                  && aborted
                      .certificate()
                      .map(dev.comity.session.Certificate::digest)
                      .equals(logged.certificate()),
              file,
              "proves an aborted session with another outcome or certificate than the log says");
          failed++;
        }
        case Proven.Committed committed -> {
          require(
              logged.outcome() != AuditEntry.SessionOutcome.ABORTED
                  && logged.certificate().equals(Optional.of(committed.certificate().digest())),
              file,
              "proves a certified session with another outcome or certificate than the log says");
          if (logged.outcome() == AuditEntry.SessionOutcome.BURNED) {
            failed++;
          } else {
            require(
                report == null
                    && logged.transcript().equals(origin.transcript())
                    && committed.survivors().equals(origin.participants()),
                file,
                "certifies %s; version %d names transcript %s and %s",
                committed.survivors(),
                version.version(),
                origin.transcript().abbreviated(),
                origin.participants());
            report =
                new LineageReport.Round(
                    version.version(),
                    origin.round(),
                    committed.descriptor().roster().size(),
                    committed.survivors().size(),
                    committed.votes(),
                    committed.descriptor().quorum().threshold(),
                    0);
          }
        }
      }
    }
    if (report == null) {
      throw new DoesNotHoldException(
          AuditExport.LEAVES,
          "holds no leaf of the session that summed round %d".formatted(origin.round()));
    }
    return new LineageReport.Round(
        report.version(),
        report.round(),
        report.roster(),
        report.survivors(),
        report.votes(),
        report.threshold(),
        failed);
  }

  private void requireSessionOf(
      String file, SessionDescriptor descriptor, AuditEntry.Session logged, RoundPlan plan) {
    MembershipEpoch epoch = required(memberships.get(descriptor.membership()));
    require(
        descriptor.id().equals(logged.session())
            && descriptor.run().equals(logged.run())
            && descriptor.run().equals(plan.terms().run())
            && descriptor.federation().equals(plan.terms().federation())
            && descriptor.round() == plan.round()
            && descriptor.plan().equals(plan.digest())
            && descriptor.terms().equals(plan.terms().digest())
            && descriptor.vectorLayout().equals(plan.terms().vector().digest())
            && descriptor.quorum().nC() == plan.nC()
            && descriptor.quorum().minHonest() == plan.minHonest(),
        file,
        "is of a session over another plan, terms, layout or bounds than round %d has",
        plan.round());
    require(
        plan.nC() >= epoch.nCFloor() && epoch.allows(plan.terms().architecture()),
        file,
        "withstands nC %d of architecture %s; membership version %d asks for at least %d and allows other architectures",
        plan.nC(),
        plan.terms().architecture(),
        epoch.version(),
        epoch.nCFloor());
  }

  private AggregateUpdate sum(ModelVersion version, ModelVersion.Origin origin, RoundPlan plan) {
    String file = AuditExport.sum(version.version());
    byte[] artifact = archive.read(file, MOST_TENSOR_BYTES);
    require(
        Digest.of(artifact).equals(origin.sum()),
        file,
        "is not the sum %s that version %d names",
        origin.sum().abbreviated(),
        version.version());
    AggregateUpdate sum =
        holds(file, () -> AggregateUpdate.decodeArtifact(plan.terms().vector(), artifact));
    require(
        sum.contributors() == origin.participants().size(),
        file,
        "counts %d sites; %d are certified",
        sum.contributors(),
        origin.participants().size());
    return sum;
  }

  private void requireTensors(ModelVersion version, WeightsProvenance provenance) {
    String file = AuditExport.model(version.version());
    byte[] recomputed = WeightsFile.encode(model(version).tensors(), weights, provenance).toBytes();
    byte[] state = OptimizerStateFile.encode(firstMoment, secondMoment, provenance).toBytes();
    require(
        Digest.of(recomputed).equals(version.weights()),
        file,
        "has weights %s; recomputed they are %s",
        version.weights().abbreviated(),
        Digest.of(recomputed).abbreviated());
    require(
        Digest.of(state).equals(version.optimizerState()),
        file,
        "has optimizer state %s; recomputed it is %s",
        version.optimizerState().abbreviated(),
        Digest.of(state).abbreviated());
  }

  private void requireFile(String file, Digest named) {
    Digest found = Digest.of(archive.read(file, MOST_TENSOR_BYTES));
    require(
        found.equals(named),
        file,
        "has digest %s; the model names %s",
        found.abbreviated(),
        named.abbreviated());
  }

  private static BuiltInModel model(ModelVersion version) {
    return BuiltInModel.of(
        version.architecture().family(), List.copyOf(version.architecture().widths()));
  }

  private byte[] document(String file) {
    return archive.read(file, MOST_DOCUMENT_BYTES);
  }

  /// Refuses in the name of `file` what the readers of its content refuse.
  private static <T> T holds(String file, Supplier<T> reading) {
    try {
      return reading.get();
    } catch (MalformedException
        | MalformedSafetensorsException
        | IllegalArgumentException
        | SessionRefusal
        | RefusedSignatureException
        | RejectedSum e) {
      throw new DoesNotHoldException(file, String.valueOf(e.getMessage()), e);
    }
  }

  private static void require(boolean condition, String file, String what, Object... values) {
    if (!condition) {
      throw new DoesNotHoldException(file, what.formatted(values));
    }
  }

  private static <T> T required(@Nullable T value) {
    if (value == null) {
      throw new IllegalStateException("read before it was verified");
    }
    return value;
  }
}
