package dev.comity.transparency;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;

/// The archive that holds everything of one model's lineage: names of its files and the documents
/// that only an export has. A zip with, for a model of version N:
///
/// | file | holds |
/// |---|---|
/// | `manifest.cbor` | [Manifest] |
/// | `memberships/000001.cbor` … | every membership epoch as the consortium signed it |
/// | `models/000000.cbor` … N | the ModelVersion documents, parent before child |
/// | `plans/000001.cbor` … N | the plan of the round behind a version |
/// | `sums/000001.bin` … N | its AggregateUpdate artifact |
/// | `transcripts/‹session›.cbor` | of every session over one of these plans |
/// | `leaves.cbor` | [ProvenLeaf]s of all of these |
/// | `heads.cbor` | [WitnessedHead]s, the newest last; the leaves are proven under it |
/// | `weights.safetensors`, `optimizer-state.safetensors` | of version N |
public final class AuditExport {
  public static final String MANIFEST = "manifest.cbor";
  public static final String LEAVES = "leaves.cbor";
  public static final String HEADS = "heads.cbor";
  public static final String WEIGHTS = "weights.safetensors";
  public static final String OPTIMIZER_STATE = "optimizer-state.safetensors";

  private static final int FORMAT = 1;
  private static final int MOST_DOCUMENT_BYTES = 16 << 20;

  private AuditExport() {}

  public static String membership(long version) {
    return "memberships/%06d.cbor".formatted(version);
  }

  public static String model(int version) {
    return "models/%06d.cbor".formatted(version);
  }

  public static String plan(int version) {
    return "plans/%06d.cbor".formatted(version);
  }

  public static String sum(int version) {
    return "sums/%06d.bin".formatted(version);
  }

  public static String transcript(Digest session) {
    return "transcripts/%s.cbor".formatted(session.hex());
  }

  /// What the archive is about: the digest of the newest ModelVersion document, and the key under
  /// which its memberships are signed, which a reader compares with the one it trusts.
  public record Manifest(Digest model, MessagePublicKey consortium) {
    public byte[] encode() {
      return CborWriter.map()
          .integer("format", FORMAT)
          .bytes("model", model.bytes())
          .bytes("consortium", consortium.bytes())
          .toBytes();
    }

    public static Manifest decode(byte[] bytes) {
      return CborReader.read(
          bytes,
          "ExportManifest",
          in -> {
            long format = in.integer("format");
            if (format != FORMAT) {
              throw new IllegalArgumentException(
                  "format %d; this software reads format %d".formatted(format, FORMAT));
            }
            return new Manifest(
                digest(in, "model"),
                MessagePublicKey.of(in.bytes("consortium", MessagePublicKey.SIZE)));
          });
    }
  }

  /// A leaf and its proof under the newest head.
  public record ProvenLeaf(Bytes entry, InclusionProof proof) {}

  /// A head, its consistency with the newest one, and the countersignatures that it got.
  public record WitnessedHead(
      SignedHead head, ConsistencyProof toNewest, List<Countersignature> countersignatures) {
    public WitnessedHead {
      countersignatures = List.copyOf(countersignatures);
    }
  }

  public static byte[] encodeMembership(SignedMembership membership) {
    return CborWriter.map()
        .bytes("document", membership.document())
        .bytes("signature", membership.signature())
        .toBytes();
  }

  public static SignedMembership decodeMembership(byte[] bytes) {
    return CborReader.read(
        bytes,
        "ExportedMembership",
        in ->
            new SignedMembership(
                in.bytes("document", 1, MOST_DOCUMENT_BYTES),
                in.bytes("signature", MessagePublicKey.SIGNATURE_SIZE)));
  }

  public static byte[] encodeLeaves(List<ProvenLeaf> leaves) {
    return CborWriter.map()
        .maps(
            "leaves",
            leaves,
            leaf ->
                CborWriter.map()
                    .bytes("entry", leaf.entry())
                    .integer("index", leaf.proof().index())
                    .integer("size", leaf.proof().size())
                    .byteStrings("path", strings(leaf.proof().path())))
        .toBytes();
  }

  public static List<ProvenLeaf> decodeLeaves(byte[] bytes) {
    return CborReader.read(
        bytes,
        "ExportedLeaves",
        in ->
            in.maps(
                "leaves",
                leaf ->
                    new ProvenLeaf(
                        leaf.bytes("entry", 1, MOST_DOCUMENT_BYTES),
                        new InclusionProof(
                            leaf.integer("index"), leaf.integer("size"), path(leaf, "path")))));
  }

  public static byte[] encodeHeads(List<WitnessedHead> heads) {
    return CborWriter.map()
        .maps(
            "heads",
            heads,
            head ->
                CborWriter.map()
                    .bytes("document", head.head().document())
                    .bytes("signature", head.head().signature())
                    .integer("size", head.toNewest().from())
                    .integer("newest", head.toNewest().to())
                    .byteStrings("consistency", strings(head.toNewest().path()))
                    .maps(
                        "countersignatures",
                        head.countersignatures(),
                        each ->
                            CborWriter.map()
                                .text("site", each.site().value())
                                .bytes("signature", each.signature())))
        .toBytes();
  }

  public static List<WitnessedHead> decodeHeads(byte[] bytes) {
    return CborReader.read(bytes, "ExportedHeads", in -> in.maps("heads", AuditExport::head));
  }

  private static WitnessedHead head(CborReader in) {
    SignedHead signed =
        new SignedHead(
            in.bytes("document", 1, MOST_DOCUMENT_BYTES),
            in.bytes("signature", MessagePublicKey.SIGNATURE_SIZE));
    return new WitnessedHead(
        signed,
        new ConsistencyProof(in.integer("size"), in.integer("newest"), path(in, "consistency")),
        in.maps(
            "countersignatures",
            each ->
                new Countersignature(
                    new SiteId(each.text("site")),
                    signed.digest(),
                    each.bytes("signature", MessagePublicKey.SIGNATURE_SIZE))));
  }

  private static List<Bytes> strings(List<Digest> path) {
    return path.stream().map(digest -> Bytes.of(digest.bytes())).toList();
  }

  private static List<Digest> path(CborReader in, String name) {
    return in.byteStrings(name, Digest.SIZE).stream().map(Digest::ofValue).toList();
  }

  private static Digest digest(CborReader in, String name) {
    return Digest.ofValue(in.bytes(name, Digest.SIZE));
  }
}
