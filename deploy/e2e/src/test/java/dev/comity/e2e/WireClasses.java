package dev.comity.e2e;

import static java.util.Map.entry;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.MalformedException;
import dev.comity.e2e.Canaries.Content;
import dev.comity.plan.Digest;
import dev.comity.protocol.v1.SessionPhase;
import dev.comity.protocol.v1.SiteServiceGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/// Holds everything that a site says against the declared classes: a field without a class, a field
/// that the contract does not know and a value outside its class's rule are faults.
final class WireClasses {
  private static final int LONGEST_WAIT_MS = 60_000;
  private static final int DIGEST = Digest.SIZE;
  private static final int KEY = 32;
  private static final int SIGNATURE = 64;
  private static final int SHARE_LIMBS = 5 * Long.BYTES;
  private static final int SEALED_SHARES = 2 * SHARE_LIMBS + 16;

  /// The class of every field of every message that a site can send.
  private static final Map<String, WireClass> CLASSES =
      Map.ofEntries(
          entry("HelloRequest.wire_version", WireClass.VERSION),
          entry("HelloRequest.features", WireClass.VERSION),
          entry("HelloRequest.federation_epoch", WireClass.EPOCH),
          entry("HelloRequest.open_locks", WireClass.STRUCTURE),
          entry("HelloRequest.agent_version", WireClass.VERSION),
          entry("HelloRequest.message_key", WireClass.IDENTITY),
          entry("OpenLock.session_id", WireClass.DOCUMENT_DIGEST),
          entry("OpenLock.terms_digest", WireClass.DOCUMENT_DIGEST),
          entry("NextAssignmentRequest.handled", WireClass.ASSIGNMENT_ID),
          entry("NextAssignmentRequest.wait_ms", WireClass.FLOW_CONTROL),
          entry("ReportRequest.run_id", WireClass.POSITION_IN_RUN),
          entry("ReportRequest.round", WireClass.POSITION_IN_RUN),
          entry("ReportRequest.plan_digest", WireClass.DOCUMENT_DIGEST),
          entry("ReportRequest.permitted", WireClass.STRUCTURE),
          entry("ReportRequest.refused", WireClass.STRUCTURE),
          entry("ReportRequest.progress", WireClass.STRUCTURE),
          entry("ReportRequest.paused", WireClass.STRUCTURE),
          entry("ReportRequest.ready", WireClass.STRUCTURE),
          entry("ReportRequest.failed", WireClass.STRUCTURE),
          entry("RefusedByPolicy.reasons", WireClass.REASON_TEXT),
          entry("Progress.tenths", WireClass.PROGRESS_TENTHS),
          entry("Paused.reason", WireClass.REASON_CODE),
          entry("Paused.expected_until_unix_ms", WireClass.NEXT_WINDOW),
          entry("Ready.partial", WireClass.FLAG),
          entry("Ready.terms_digest", WireClass.DOCUMENT_DIGEST),
          entry("Failed.code", WireClass.REASON_CODE),
          entry("Failed.detail", WireClass.REASON_TEXT),
          entry("FetchRequest.digest", WireClass.DOCUMENT_DIGEST),
          entry("FetchRequest.offset", WireClass.FLOW_CONTROL),
          entry("SendRequest.message", WireClass.STRUCTURE),
          entry("SignedMessage.phase", WireClass.PHASE),
          entry("SignedMessage.session_id", WireClass.DOCUMENT_DIGEST),
          entry("SignedMessage.body", WireClass.SESSION_BODY),
          entry("SignedMessage.key_id", WireClass.IDENTITY),
          entry("SignedMessage.signature", WireClass.SIGNATURE),
          entry("UploadStatusRequest.session_id", WireClass.DOCUMENT_DIGEST),
          entry("UploadChunk.session_id", WireClass.DOCUMENT_DIGEST),
          entry("UploadChunk.offset", WireClass.FLOW_CONTROL),
          entry("UploadChunk.data", WireClass.MASKED_CHUNK),
          entry("AuditProofRequest.from_size", WireClass.LOG_SIZE),
          entry("AuditProofRequest.to_size", WireClass.LOG_SIZE),
          entry("AuditProofRequest.sessions", WireClass.DOCUMENT_DIGEST),
          entry("AuditProofRequest.plans", WireClass.DOCUMENT_DIGEST),
          entry("CountersignRequest.size", WireClass.LOG_SIZE),
          entry("CountersignRequest.head_digest", WireClass.DOCUMENT_DIGEST),
          entry("CountersignRequest.signature", WireClass.SIGNATURE),
          entry("RenewCertificateRequest.csr", WireClass.CERTIFICATE_REQUEST));

  private static final String NAME = "[a-z0-9-]{1,63}";
  private static final String DIGEST_START = "[0-9a-f]{12}";
  private static final String SMALL = "[0-9]{1,3}";

  /// Every sentence that an agent may say about a round. The numbers in them are the plan's, the
  /// policy's and the membership's.
  private static final List<Pattern> REASONS =
      List.of(
              "the update is no longer finite",
              "the update does not fit the plan's limits; the operator finds the reason in the"
                  + " agent's log",
              "the site's disk failed or is full",
              "this site's examples do not suit the plan; the operator finds the reason in the"
                  + " agent's log",
              "diverged: the loss or a weight is no longer finite; lower training\\.learningRate or"
                  + " check the scale of the features",
              "spent: this site's update from the same base model was summed already",
              "terms %1$s: this site holds an update from the same base model under terms %1$s, and"
                  + " makes no second one",
              "federation %2$s: this site belongs to %2$s",
              "cohort: does not name this site, %2$s",
              "membership: this site has not seen one that the consortium signed",
              "architecture [a-z-]+\\([0-9,]+\\): this site trains \\[[a-z, -]+\\]; its policy sets"
                  + " architectures",
              "kind [A-Z]+: this site serves \\[[A-Z, ]+\\]; its policy sets allowedKinds",
              "minHonest %3$s: this site demands >= %3$s; its policy sets minHonest(RecordLevel)?",
              "privacy: the lifetime budget of this site's data does not hold this round; its"
                  + " policy sets privacy.epsilon",
              "privacy: this site takes part with differential privacy only; its policy sets"
                  + " privacy.withoutNoise",
              "nC %3$s: this site demands >= %3$s; its policy sets nC",
              "nC %3$s: membership version %3$s demands >= %3$s",
              "clipNorm [0-9]+\\.[0-9]: this site allows <= [0-9]+\\.[0-9]; its policy sets"
                  + " maxClipNorm",
              "dataContract %1$s: this site's mapping builds another one; its operator finds the"
                  + " difference in the agent's log",
              "baseModel %1$s: the version document that came with the plan is another one")
          .stream()
          .map(text -> Pattern.compile(text.formatted(DIGEST_START, NAME, SMALL)))
          .toList();

  private static final Map<String, WireClass> BY_FULL_NAME = byFullName();

  private final Site site;
  private final Heard heard;
  private final Set<Bytes> chunkRoots;
  private final Set<Bytes> ledgerHeads;

  /// Who speaks.
  record Site(String name, Bytes messageKey, List<String> federation) {
    Site {
      federation = List.copyOf(federation);
    }
  }

  /// @param site whose messages are held against the classes
  /// @param heard what it heard
  /// @param chunkRoots of the vectors that it uploaded
  /// @param ledgerHeads that its privacy ledger had
  WireClasses(Site site, Heard heard, Set<Bytes> chunkRoots, Set<Bytes> ledgerHeads) {
    this.site = site;
    this.heard = heard;
    this.chunkRoots = Set.copyOf(chunkRoots);
    this.ledgerHeads = Set.copyOf(ledgerHeads);
  }

  private static Map<String, WireClass> byFullName() {
    var names = new LinkedHashMap<String, WireClass>();
    CLASSES.forEach((name, wireClass) -> names.put("comity.v1." + name, wireClass));
    return names;
  }

  /// Fields that a site can send but that have no class, and classes of fields that no site can
  /// send.
  static Set<String> unclassed() {
    var possible = new HashSet<String>();
    for (var method : SiteServiceGrpc.getServiceDescriptor().getMethods()) {
      collect(prototype(method).getDescriptorForType(), possible, new HashSet<>());
    }
    var difference = new TreeSet<String>();
    possible.stream().filter(name -> !BY_FULL_NAME.containsKey(name)).forEach(difference::add);
    BY_FULL_NAME.keySet().stream()
        .filter(name -> !possible.contains(name))
        .forEach(difference::add);
    return difference;
  }

  private static void collect(Descriptor type, Set<String> fields, Set<Descriptor> seen) {
    if (!seen.add(type)) {
      return;
    }
    for (var field : type.getFields()) {
      fields.add(field.getFullName());
      if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
        collect(field.getMessageType(), fields, seen);
      }
    }
  }

  private static Message prototype(MethodDescriptor<?, ?> method) {
    if (method.getRequestMarshaller() instanceof PrototypeMarshaller<?> marshaller
        && marshaller.getMessagePrototype() instanceof Message prototype) {
      return prototype;
    }
    throw new IllegalStateException(method.getFullMethodName() + " carries no protobuf message");
  }

  /// A recorded message as its protobuf type reads it.
  static Message decode(RecordedLink.Message message) throws InvalidProtocolBufferException {
    for (var method : SiteServiceGrpc.getServiceDescriptor().getMethods()) {
      if (method.getFullMethodName().equals(message.method())) {
        return prototype(method).getParserForType().parseFrom(message.content().toByteArray());
      }
    }
    throw new IllegalArgumentException(message.method() + " is no method of the contract");
  }

  /// What speaks against a message, one line a fault; empty when every field is classed and obeys
  /// its class.
  List<String> faults(RecordedLink.Message message) {
    var faults = new ArrayList<String>();
    try {
      walk(message.method(), decode(message), faults);
    } catch (InvalidProtocolBufferException | IllegalArgumentException e) {
      faults.add(message.method() + ": " + e.getMessage());
    }
    return faults;
  }

  private void walk(String where, Message message, List<String> faults) {
    if (!message.getUnknownFields().asMap().isEmpty()) {
      faults.add(
          "%s: unknown fields %s".formatted(where, message.getUnknownFields().asMap().keySet()));
    }
    message
        .getAllFields()
        .forEach((field, value) -> {
          if (value instanceof List<?> values) {
            values.forEach(each -> check(where, message, field, each, faults));
          } else {
            check(where, message, field, value, faults);
          }
        });
  }

  private void check(
      String where, Message message, FieldDescriptor field, Object value, List<String> faults) {
    String name = where + " " + field.getFullName();
    var wireClass = BY_FULL_NAME.get(field.getFullName());
    if (wireClass == null) {
      faults.add(name + ": belongs to no class");
    } else if (value instanceof Message inner) {
      walk(where, inner, faults);
    } else {
      try {
        if (!obeys(wireClass, message, value)) {
          faults.add("%s: breaks the rule of %s".formatted(name, wireClass));
        }
      } catch (MalformedException e) {
        faults.add("%s: %s".formatted(name, e.getMessage()));
      }
    }
  }

  private boolean obeys(WireClass wireClass, Message message, Object value) {
    return switch (wireClass) {
      case STRUCTURE -> false;
      case IDENTITY ->
          bytes(value).equals(site.messageKey())
              || bytes(value).equals(Bytes.of(Digest.of(site.messageKey().toByteArray()).bytes()));
      case VERSION ->
          value instanceof Integer version
              ? version == 1
              : value instanceof String text
                  && text.matches("[0-9]{1,3}(\\.[0-9]{1,3}){2}(-SNAPSHOT)?");
      case EPOCH -> heard.epochs().contains(value);
      case DOCUMENT_DIGEST -> heard.knows(bytes(value));
      case ASSIGNMENT_ID -> heard.assignments().contains(value);
      case POSITION_IN_RUN -> heard.rounds().contains(value);
      case LOG_SIZE -> value instanceof Long size && heard.logSizes().contains(size);
      case PHASE ->
          value instanceof EnumValueDescriptor phase
              && phase.getNumber() >= SessionPhase.SESSION_PHASE_ADVERTISE_KEYS_VALUE
              && phase.getNumber() <= SessionPhase.SESSION_PHASE_UNMASK_VALUE;
      case SESSION_BODY ->
          message instanceof dev.comity.protocol.v1.SignedMessage signed
              && sessionBody(signed.getPhase(), signed.getBody().toByteArray());
      case SIGNATURE -> bytes(value).size() == SIGNATURE;
      case PROGRESS_TENTHS -> value instanceof Integer tenths && tenths >= 0 && tenths <= 10;
      case MASKED_CHUNK -> heard.vectorBytes().contains((long) bytes(value).size());
      case REASON_CODE -> value instanceof String code && code.matches("[a-z]+([ -][a-z]+){0,3}");
      case REASON_TEXT ->
          value instanceof String text
              && REASONS.stream().anyMatch(reason -> reason.matcher(text).matches());
      case FLAG -> value instanceof Boolean;
      case FLOW_CONTROL ->
          value instanceof Integer wait
              ? wait >= 0 && wait <= LONGEST_WAIT_MS && wait % 1000 == 0
              : value.equals(0L); // nothing was interrupted: every transfer begins at its begin
      case NEXT_WINDOW -> value instanceof Long until && until >= 0 && until % 60_000 == 0;
      case CERTIFICATE_REQUEST -> false; // every certificate was new: none is renewed
    };
  }

  /// Reads a body field by field; the reader refuses a field that is not named here.
  private boolean sessionBody(SessionPhase phase, byte[] body) {
    return switch (phase) {
      case SESSION_PHASE_ADVERTISE_KEYS ->
          CborReader.read(
              body,
              "AdvertiseKeys",
              in -> {
                var _ = in.bytes("maskKey", KEY);
                var _ = in.bytes("channelKey", KEY);
                var _ = in.bytes("seedCommitment", DIGEST);
                var _ = in.bytes("graphRandomness", KEY);
                long counter = in.integer("counter");
                var ledger = in.bytes("ledgerHead", DIGEST);
                long version = in.integer("membershipVersion");
                var membership = in.bytes("membership", DIGEST);
                return counter >= 1
                    && counter <= heard.sessions()
                    && ledgerHeads.contains(ledger)
                    && heard.memberships().getOrDefault(version, Bytes.empty()).equals(membership);
              });
      case SESSION_PHASE_SHARE_KEYS ->
          CborReader.read(
              body,
              "ShareKeys",
              in -> {
                var commitment = in.bytes("commitment", 1, 64).toByteArray();
                var _ = CborReader.read(commitment, "root", root -> root.bytes("root", DIGEST));
                return in.maps("deliveries", this::delivery).equals(site.federation());
              });
      case SESSION_PHASE_MASKED_INPUT ->
          CborReader.read(
              body,
              "MaskedInput",
              in -> {
                var _ = in.bytes("h2", DIGEST);
                return chunkRoots.contains(in.bytes("chunkRoot", DIGEST));
              });
      case SESSION_PHASE_VOTE ->
          CborReader.read(body, "Vote", in -> in.text("choice").equals("COMMIT"));
      case SESSION_PHASE_UNMASK ->
          CborReader.read(
              body,
              "Unmask",
              in ->
                  in.maps("seedShares", WireClasses::share).equals(site.federation())
                      & in.maps("keyShares", WireClasses::share).isEmpty());
      case SESSION_PHASE_UNSPECIFIED,
          SESSION_PHASE_ABORT_VOTE,
          SESSION_PHASE_RELEASE,
          UNRECOGNIZED ->
          false;
    };
  }

  private String delivery(CborReader in) {
    var receiver = in.text("receiver");
    var ciphertext = in.bytes("ciphertext", 0, SEALED_SHARES);
    var _ = in.bytes("seedShare", DIGEST);
    var _ = in.bytes("keyShare", DIGEST);
    return ciphertext.size() == (receiver.equals(site.name()) ? 0 : SEALED_SHARES)
        ? receiver
        : "a ciphertext of %d bytes".formatted(ciphertext.size());
  }

  private static String share(CborReader in) {
    var _ = in.bytes("share", SHARE_LIMBS);
    return in.text("dealer");
  }

  /// A message in pieces to be searched: every value for itself, and what is left without the
  /// random ones.
  static List<Content> contents(RecordedLink.Message message)
      throws InvalidProtocolBufferException {
    var contents = new ArrayList<Content>();
    var rest = pieces(message.method(), decode(message), contents);
    contents.add(new Content(message.method(), Bytes.of(rest.toByteArray()), false));
    return contents;
  }

  private static Message pieces(String where, Message message, List<Content> contents) {
    var rest = message.toBuilder();
    message
        .getAllFields()
        .forEach((field, value) -> {
          var wireClass = BY_FULL_NAME.getOrDefault(field.getFullName(), WireClass.STRUCTURE);
          String name = where + " " + field.getFullName();
          if (value instanceof List<?> values) {
            rest.clearField(field);
            for (var each : values) {
              if (each instanceof Message inner) {
                rest.addRepeatedField(field, pieces(where, inner, contents));
              } else {
                piece(name, wireClass, each, contents);
              }
            }
          } else if (value instanceof Message inner) {
            rest.setField(field, pieces(where, inner, contents));
          } else {
            piece(name, wireClass, value, contents);
            if (wireClass.random()) {
              rest.clearField(field);
            }
          }
        });
    return rest.build();
  }

  private static void piece(
      String name, WireClass wireClass, Object value, List<Content> contents) {
    switch (value) {
      case ByteString bytes ->
          contents.add(new Content(name, Bytes.of(bytes.toByteArray()), wireClass.random()));
      case Number number ->
          contents.add(
              new Content(
                  name,
                  Bytes.of(ByteBuffer.allocate(Long.BYTES).putLong(number.longValue()).array()),
                  false));
      default ->
          contents.add(
              new Content(
                  name, Bytes.of(value.toString().getBytes(StandardCharsets.UTF_8)), false));
    }
  }

  private static Bytes bytes(Object value) {
    return value instanceof ByteString bytes ? Bytes.of(bytes.toByteArray()) : Bytes.empty();
  }
}
