package dev.comity.audit.web;

import dev.comity.audit.AuditHeads;
import dev.comity.audit.AuditLeaf;
import dev.comity.audit.AuditLog;
import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.server.ResponseStatusException;

@RestController
@RequestMapping("/api/v1/audit")
@Tag(
    name = "audit",
    description = "The append-only log: heads, leaves, proofs (RFC 9162) and countersignatures.")
final class AuditController {
  private static final int MOST_LEAVES = 1000;

  /// @param document the exact bytes that were signed, base64
  /// @param signature of the aggregator's message key, base64
  record HeadView(
      String federation,
      long federationEpoch,
      long size,
      String root,
      Instant at,
      String document,
      String signature) {}

  /// @param digest SHA-256 of a zero byte and the entry
  /// @param entry deterministic CBOR, base64
  record LeafView(long index, String kind, String digest, Instant at, String entry) {}

  /// @param path from the leaf up
  record InclusionView(long index, long size, String digest, String root, List<String> path) {}

  record ConsistencyView(long from, long to, String fromRoot, String toRoot, List<String> path) {}

  /// @param head SHA-256 of the head's document
  /// @param signature of the site's message key, base64
  record CountersignatureView(String site, long size, String head, String signature, Instant at) {}

  private final AuditLog log;
  private final AuditHeads heads;

  AuditController(AuditLog log, AuditHeads heads) {
    this.log = log;
    this.heads = heads;
  }

  @GetMapping("/head")
  @Operation(summary = "The newest signed head, or the one of a size")
  @ApiResponse(responseCode = "200", description = "the head")
  @ApiResponse(responseCode = "404", description = "no head of this size was signed")
  HeadView head(@RequestParam(required = false) @Nullable Long size) {
    var found = size == null ? heads.newest() : signed(size);
    var head = found.head();
    return new HeadView(
        head.federation().value(),
        head.federationEpoch(),
        head.size(),
        head.root().hex(),
        head.at(),
        base64(found.signed().document()),
        base64(found.signed().signature()));
  }

  @GetMapping("/leaves")
  @Operation(summary = "Leaves from an index on, in order")
  @ApiResponse(responseCode = "200", description = "at most `limit` leaves")
  @ApiResponse(responseCode = "400", description = "no such index or limit")
  List<LeafView> leaves(
      @RequestParam(defaultValue = "0") long from, @RequestParam(defaultValue = "100") int limit) {
    if (from < 0) {
      throw bad("from %d: must be >= 0, the index of a leaf.".formatted(from));
    }
    if (limit < 1 || limit > MOST_LEAVES) {
      throw bad("limit %d: must be 1 to %d.".formatted(limit, MOST_LEAVES));
    }
    return log.leaves(from, limit).stream().map(AuditController::view).toList();
  }

  @GetMapping("/inclusion")
  @Operation(
      summary = "That a leaf is in the log",
      description = "The leaf by `index` or by `digest`; in the log of `size`, else of today.")
  @ApiResponse(responseCode = "200", description = "the proof, RFC 9162 section 2.1.3")
  @ApiResponse(responseCode = "400", description = "no such index or size, or a malformed digest")
  @ApiResponse(responseCode = "404", description = "no leaf has this digest")
  InclusionView inclusion(
      @RequestParam(required = false) @Nullable Long index,
      @RequestParam(required = false) @Nullable String digest,
      @RequestParam(required = false) @Nullable Long size) {
    if ((index == null) == (digest == null)) {
      throw bad("Name the leaf by index or by digest, one of the two.");
    }
    long within = size == null ? log.size() : size;
    long at = index == null ? byDigest(String.valueOf(digest)).index() : index;
    return proven(() -> {
      var proof = log.inclusion(at, within);
      return new InclusionView(
          at,
          within,
          log.leaves(at, 1).getFirst().digest().hex(),
          log.root(within).hex(),
          proof.path().stream().map(Digest::hex).toList());
    });
  }

  @GetMapping("/consistency")
  @Operation(summary = "That the log of one size continues the log of a smaller one")
  @ApiResponse(responseCode = "200", description = "the proof, RFC 9162 section 2.1.4")
  @ApiResponse(responseCode = "400", description = "no such sizes")
  ConsistencyView consistency(
      @RequestParam long from, @RequestParam(required = false) @Nullable Long to) {
    long until = to == null ? log.size() : to;
    return proven(() -> {
      var proof = log.consistency(from, until);
      return new ConsistencyView(
          from,
          until,
          log.root(from).hex(),
          log.root(until).hex(),
          proof.path().stream().map(Digest::hex).toList());
    });
  }

  @GetMapping("/countersignatures")
  @Operation(summary = "The sites' countersignatures of the newest head, or of the one of a size")
  @ApiResponse(responseCode = "200", description = "sorted by site")
  @ApiResponse(responseCode = "404", description = "no head of this size was signed")
  List<CountersignatureView> countersignatures(
      @RequestParam(required = false) @Nullable Long size) {
    long of = (size == null ? heads.newest() : signed(size)).head().size();
    return heads.countersignatures(of).stream()
        .map(received ->
            new CountersignatureView(
                received.countersignature().site().value(),
                of,
                received.countersignature().head().hex(),
                base64(received.countersignature().signature()),
                received.at()))
        .toList();
  }

  private AuditHeads.Head signed(long size) {
    return heads
        .of(size)
        .orElseThrow(() ->
            new ResponseStatusException(
                HttpStatus.NOT_FOUND,
                "No head of size %d was signed; GET /api/v1/audit/head gives the newest."
                    .formatted(size)));
  }

  private AuditLeaf byDigest(String digest) {
    Digest wanted;
    try {
      wanted = Digest.fromHex(digest);
    } catch (IllegalArgumentException e) {
      throw bad("digest: must be 64 hexadecimal digits, the leaf hash.");
    }
    return log.leaf(wanted)
        .orElseThrow(() ->
            new ResponseStatusException(
                HttpStatus.NOT_FOUND, "No leaf has the digest %s.".formatted(wanted.hex())));
  }

  private interface Proving<T> {
    T prove();
  }

  /// What the log says of its own limits is the answer.
  private static <T> T proven(Proving<T> work) {
    try {
      return work.prove();
    } catch (IllegalArgumentException e) {
      throw bad(e.getMessage() + ".");
    }
  }

  private static LeafView view(AuditLeaf leaf) {
    return new LeafView(
        leaf.index(), leaf.decoded().kind(), leaf.digest().hex(), leaf.at(), base64(leaf.entry()));
  }

  private static ResponseStatusException bad(String sentence) {
    return new ResponseStatusException(HttpStatus.BAD_REQUEST, sentence);
  }

  private static String base64(Bytes bytes) {
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
