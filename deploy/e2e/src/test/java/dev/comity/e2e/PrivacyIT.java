package dev.comity.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import dev.comity.agent.data.LocalDataset;
import dev.comity.agent.data.SiteMapping;
import dev.comity.agent.participation.Agent;
import dev.comity.agent.participation.Join;
import dev.comity.agent.participation.LedgerReport;
import dev.comity.agent.participation.SiteDirectory;
import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.demo.AggregatorUnderTest;
import dev.comity.e2e.Canaries.Content;
import dev.comity.plan.VectorLayout;
import dev.comity.protocol.v1.Failed;
import dev.comity.protocol.v1.HelloRequest;
import dev.comity.protocol.v1.Progress;
import dev.comity.protocol.v1.ReportRequest;
import dev.comity.protocol.v1.SendRequest;
import dev.comity.protocol.v1.SessionPhase;
import dev.comity.protocol.v1.SignedMessage;
import dev.comity.protocol.v1.UploadChunk;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What leaves a site in a whole run: five agents in this process, the aggregator in its own, two
/// rounds of training and an evaluation with masks on. Of one site, whose data are canaries,
/// everything above TLS is recorded: each gRPC message in both directions, and every byte of the
/// HTTPS request with which it joined.
///
/// The site has 2,345,671 rows of one feature. A count of seven digits below 2,097,152 would do for
/// text, but fills only three bytes as a varint, which random bytes hold too often by chance.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PrivacyIT {
  private static final int ROWS = 2_345_671;
  private static final double TEST_FRACTION = 0.0001;
  private static final List<String> FEATURES =
      List.of(
          "0.73519482640173958",
          "-1.2846093751728364",
          "2.0917463825194637",
          "-0.36482917503826194",
          "1.5570839264180273",
          "-2.7183940561829374");
  private static final String OBSERVED = "site-1";
  private static final List<String> SITES =
      List.of(OBSERVED, "site-2", "site-3", "site-4", "site-5");
  private static final String SERVICE = "comity.v1.SiteService/";
  private static final Set<String> JOIN_HEADERS =
      Set.of("host", "connection", "content-length", "content-type", "user-agent");
  private static final int SESSIONS = 3;
  private static final long PATIENCE_SECONDS = 120;
  private static final JsonMapper JSON = JsonMapper.shared();

  private Path folder = Path.of("");

  private final ByteArrayOutputStream agentLog = new ByteArrayOutputStream();
  private final Map<String, Path> stored = new TreeMap<>();
  private final List<String> storedInOrder = new ArrayList<>();
  private final Map<String, String> invitations = new HashMap<>();
  private RecordedLink link = new RecordedLink(_ -> {});
  private Bytes joined = Bytes.empty();
  private WireClasses classes =
      new WireClasses(
          new WireClasses.Site(OBSERVED, Bytes.empty(), SITES), emptyHeard(), Set.of(), Set.of());
  private Canaries data = new Canaries();
  private Canaries secrets = new Canaries();
  private final Set<String> peers = new HashSet<>();
  private Set<String> aggregatorPeers = Set.of();
  private String aggregatorLog = "";
  private String initialPassword = "";

  @BeforeAll
  void runAFederation(@TempDir Path temporary) throws Exception {
    folder = temporary;
    try (var sockets = new RecordedSockets();
        var logged = new Logged(agentLog);
        var aggregator = AggregatorUnderTest.start(folder.resolve("work"), checkout())) {
      assertThat(logged.isOpen()).isTrue();
      var fingerprints = new LinkedHashMap<String, String>();
      for (var site : SITES) {
        writeData(site);
        fingerprints.put(site, join(site, aggregator));
      }
      link = new RecordedLink(this::keepStoredUpdate);
      var agents = new LinkedHashMap<String, Agent>();
      try {
        for (var site : SITES) {
          agents.put(
              site,
              Agent.open(
                  new SiteDirectory(folder.resolve(site)),
                  Clock.systemUTC(),
                  site.equals(OBSERVED) ? List.of(link) : List.of()));
        }
        agents.forEach((site, agent) -> Thread.ofVirtual().name(site).start(agent::run));
        aggregator.admit(fingerprints, 1);
        JsonNode rounds = aggregator.complete(JSON.readTree(RUN));
        assertThat(rounds).as("rounds, all at the first attempt").hasSize(SESSIONS);
        aggregator.complete(without("privacy-refused", run -> run.put("clipNorm", 1000)));
        aggregator.complete(without("privacy-failed", run -> run.put("maxExamples", 1000)));
        var observed = agents.get(OBSERVED);
        if (observed == null) {
          throw new IllegalStateException("the observed agent is not among " + agents.keySet());
        }
        await("the site has heard the end", () -> observed.status().rounds().isEmpty());
        await(
            "the site compared itself",
            () -> Files.exists(folder.resolve(OBSERVED).resolve("baseline.json")));
      } finally {
        agents.values().forEach(Agent::close);
      }
      initialPassword = aggregator.initialPassword();
      secrets = secrets(aggregator);
      aggregatorPeers = aggregator.peers();
      peers.addAll(sockets.peers(folder.resolve("sockets.jfr")));
    }
    aggregatorLog = Files.readString(folder.resolve("work/logs/aggregator.log"));
    classes = classes();
    data = canaries();
  }

  private static final String RUN =
      """
      {
        "name": "privacy", "purpose": "Show what leaves a site",
        "architecture": {"family": "mlp", "widths": [1, 128, 1]},
        "algorithm": {"name": "fedavg"},
        "training": {"loss": "binary-cross-entropy", "batchSize": 64, "batches": 1, "learningRate": 0.5},
        "rounds": 2, "seed": 11, "clipNorm": 1,
        "weighting": {"kind": "by-examples", "maxWeight": 3000000},
        "encoding": {"bits": 32, "nMax": 5},
        "maxExamples": 3000000, "nC": 1, "minHonest": 3, "minReady": 5,
        "silenceLimit": "PT2M", "hardLimit": "PT10M",
        "dataContract": {"features": ["x"], "label": "y"}
      }
      """;

  /// The run as one round without the observed site, which says why.
  private static JsonNode without(String name, Consumer<ObjectNode> change) {
    var run = (ObjectNode) JSON.readTree(RUN);
    run.put("name", name).put("rounds", 1).put("minReady", 4);
    change.accept(run);
    return run;
  }

  @Test
  void everyFieldThatASiteCanSendBelongsToAClass() {
    assertThat(WireClasses.unclassed()).isEmpty();
  }

  @Test
  void everyMessageOfTheRunKeepsToItsClasses() {
    var faults = link.sent().stream().flatMap(message -> classes.faults(message).stream()).toList();

    assertThat(faults).isEmpty();
    assertThat(link.headers()).as("headers that the site sets").isEmpty();
    assertThat(link.sent().stream().map(RecordedLink.Message::method).distinct())
        .as("the whole protocol was recorded")
        .contains(
            SERVICE + "Hello",
            SERVICE + "NextAssignment",
            SERVICE + "Report",
            SERVICE + "Fetch",
            SERVICE + "Send",
            SERVICE + "UploadStatus",
            SERVICE + "UploadMasked");
    assertThat(sessionMessages())
        .as("phases of every session")
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                SessionPhase.SESSION_PHASE_ADVERTISE_KEYS, SESSIONS,
                SessionPhase.SESSION_PHASE_SHARE_KEYS, SESSIONS,
                SessionPhase.SESSION_PHASE_MASKED_INPUT, SESSIONS,
                SessionPhase.SESSION_PHASE_VOTE, SESSIONS,
                SessionPhase.SESSION_PHASE_UNMASK, SESSIONS));
  }

  @Test
  void aSiteSaysWhyItStaysOutWithoutSayingAnythingOfItsData() {
    var reasons = new HashSet<String>();
    for (var message : link.sent()) {
      if (decoded(message) instanceof ReportRequest report) {
        reasons.addAll(report.getRefused().getReasonsList());
        reasons.add(report.getFailed().getDetail());
      }
    }

    assertThat(reasons)
        .containsExactlyInAnyOrder(
            "",
            "clipNorm 1000.0: this site allows <= 100.0; its policy sets maxClipNorm",
            "this site's examples do not suit the plan; the operator finds the reason in the agent's log");
  }

  @Test
  void theSiteSpeaksToNobodyButTheAggregator() {
    assertThat(peers).isNotEmpty().isSubsetOf(aggregatorPeers);
  }

  @Test
  void joiningSendsTheInvitationAndPublicKeysAlone() throws Exception {
    var request = joinRequest();

    assertThat(request.head().getFirst()).isEqualTo("POST /api/v1/enrolments HTTP/1.1");
    assertThat(request.head().stream().skip(1).map(PrivacyIT::headerName))
        .allMatch(JOIN_HEADERS::contains);
    assertThat(request.head())
        .anyMatch(line -> line.matches("(?i)user-agent: Java-http-client/.*"));
    assertThat(request.body().propertyNames())
        .containsExactlyInAnyOrder("token", "csr", "messageKey", "signature");
    assertThat(request.body().path("token").asString()).isEqualTo(invitations.get(OBSERVED));
    assertThat(request.body().path("messageKey").asString())
        .isEqualTo(HexFormat.of().formatHex(messageKey().toByteArray()));
    assertThat(Base64.getDecoder().decode(request.body().path("csr").asString()))
        .isEqualTo(Files.readAllBytes(folder.resolve(OBSERVED).resolve("keys/tls.csr")));
    assertThat(Base64.getDecoder().decode(request.body().path("signature").asString())).hasSize(64);
  }

  @Test
  void nothingThatLeavesTheSiteHoldsACanary() throws Exception {
    var contents = sentContents();

    assertThat(data.leaks(contents)).isEmpty();
    assertThat(secrets.leaks(withoutInvitation(contents))).isEmpty();
    assertThat(contents).hasSizeGreaterThan(100);
  }

  @Test
  void whatIsUploadedIsOfExactLengthAndRandomWhileTheStoredUpdateIsNot() throws Exception {
    var uploads = uploads();
    assertThat(uploads).hasSize(SESSIONS);
    assertThat(storedInOrder).hasSize(SESSIONS);

    var all = new ByteArrayOutputStream();
    var maskWords = new ArrayList<Integer>();
    int session = 0;
    for (var upload : uploads.values()) {
      var layout = NoisedUpdate.load(storedUpdate(session)).layout();
      var masked = words(upload);
      var plain = words(plainVector(session));
      session++;

      assertThat((long) upload.length).isEqualTo(layout.byteLength());
      assertThat(plain[(int) layout.block(VectorLayout.Kind.COUNT).offset()]).isEqualTo(1);
      all.writeBytes(upload);
      var mask = new int[plain.length];
      for (int i = 0; i < plain.length; i++) {
        assertThat(masked[i]).as("coordinate %d of session %d", i, session).isNotEqualTo(plain[i]);
        mask[i] = masked[i] - plain[i];
        maskWords.add(mask[i]);
      }
      if (layout.block(VectorLayout.Kind.UPDATE).length() > 0) {
        assertThat(ByteUniformity.statistic(upload))
            .as("χ² of what was sent, %s", HexFormat.of().formatHex(upload))
            .isLessThan(ByteUniformity.LIMIT);
        assertThat(ByteUniformity.statistic(bytes(mask)))
            .as("χ² of the mask, %s", HexFormat.of().formatHex(bytes(mask)))
            .isLessThan(ByteUniformity.LIMIT);
        assertThat(ByteUniformity.statistic(bytes(plain)))
            .as("χ² of the stored update")
            .isGreaterThan(10 * ByteUniformity.LIMIT);
      }
    }
    assertThat(ByteUniformity.statistic(all.toByteArray()))
        .as("χ² of all sessions together, %s", HexFormat.of().formatHex(all.toByteArray()))
        .isLessThan(ByteUniformity.LIMIT);
    // 1,000 random words of 32 bits hold an equal pair with a probability of 10⁻⁴; two, of 10⁻⁸.
    assertThat(maskWords.size() - new HashSet<>(maskWords).size())
        .as("words that masks of different sessions or places share")
        .isLessThan(2);
  }

  @Test
  void theLogsHoldNoDataAndNoSecret() {
    var logs =
        List.of(
            new Content("the agents' log", utf8(agentLog.toString(StandardCharsets.UTF_8)), false),
            new Content("the aggregator's log", utf8(aggregatorLog), false));

    assertThat(aggregatorLog)
        .as("the lines around the password, which is kept out of the log")
        .contains("(shown once; also in ")
        .doesNotContain("Account admin, password ");
    assertThat(agentLog.toString(StandardCharsets.UTF_8))
        .contains("Session message sent", "Model version verified");
    assertThat(data.leaks(logs)).isEmpty();
    assertThat(secrets.leaks(logs)).isEmpty();
  }

  @Test
  void aCanaryIsFoundInEveryEncoding() throws Exception {
    double feature = Double.parseDouble(FEATURES.getFirst());
    var forged =
        Map.of(
            "float32 LE",
                ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat((float) feature),
            "float32 BE", ByteBuffer.allocate(4).putFloat((float) feature),
            "float64 LE", ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putDouble(feature),
            "text", ByteBuffer.wrap("0.735194826".getBytes(StandardCharsets.UTF_8)),
            "text in scientific notation",
                ByteBuffer.wrap("7.35194826e-1".getBytes(StandardCharsets.UTF_8)),
            "count as int32 LE", ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(ROWS),
            "count as text", ByteBuffer.wrap("n=2345671".getBytes(StandardCharsets.UTF_8)),
            "count in CBOR", ByteBuffer.wrap(CborWriter.map().integer("n", ROWS).toBytes()),
            "feature in CBOR", ByteBuffer.wrap(CborWriter.map().real("x", feature).toBytes()));

    forged.forEach((name, content) -> {
      var message =
          sent(
              "Hello",
              HelloRequest.newBuilder()
                  .setMessageKey(ByteString.copyFrom(content.duplicate().rewind()))
                  .build());
      assertThat(data.leaks(contents(message))).as(name).isNotEmpty();
    });
    var asVarint =
        sent("Report", report().setProgress(Progress.newBuilder().setTenths(ROWS)).build());
    assertThat(data.leaks(contents(asVarint))).anyMatch(leak -> leak.contains("varint"));
  }

  @Test
  void aCanaryInsideMaskedVectorsIsFound() throws Exception {
    var content = new ArrayList<Content>();
    for (byte filler = 1; filler <= 2; filler++) {
      var vector = new byte[1024];
      Arrays.fill(vector, filler);
      ByteBuffer.wrap(vector)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putFloat(500, Float.parseFloat(FEATURES.getLast()));
      content.addAll(
          contents(
              sent(
                  "UploadMasked",
                  UploadChunk.newBuilder().setData(ByteString.copyFrom(vector)).build())));
    }

    assertThat(data.leaks(content)).isNotEmpty();
    assertThat(data.leaks(content.subList(0, content.size() / 2)))
        .as("four bytes once in random content are chance")
        .isEmpty();
  }

  @Test
  void aFieldOutsideItsClassIsAFault() {
    var unknown =
        HelloRequest.newBuilder()
            .setWireVersion(1)
            .setUnknownFields(
                UnknownFieldSet.newBuilder()
                    .addField(15, UnknownFieldSet.Field.newBuilder().addVarint(ROWS).build())
                    .build())
            .build();
    assertThat(classes.faults(sent("Hello", unknown))).singleElement().asString().contains("15");

    assertThat(faultsOf(report().setProgress(Progress.newBuilder().setTenths(11))))
        .anyMatch(fault -> fault.contains("PROGRESS_TENTHS"));
    assertThat(faultsOf(report().setPlanDigest(ByteString.copyFrom(new byte[32]))))
        .anyMatch(fault -> fault.contains("DOCUMENT_DIGEST"));
    assertThat(faultsOf(report().setFailed(Failed.newBuilder().setDetail("loss 0.4 on 235 rows"))))
        .anyMatch(fault -> fault.contains("REASON_TEXT"));
    assertThat(faultsOf(report().setFailed(Failed.newBuilder().setCode("n-235"))))
        .anyMatch(fault -> fault.contains("REASON_CODE"));
    var body = CborWriter.map().text("choice", "COMMIT").integer("examples", ROWS).toBytes();
    var vote =
        SignedMessage.newBuilder()
            .setPhase(SessionPhase.SESSION_PHASE_VOTE)
            .setBody(ByteString.copyFrom(body))
            .build();
    assertThat(classes.faults(sent("Send", SendRequest.newBuilder().setMessage(vote).build())))
        .singleElement()
        .asString()
        .contains("examples");
    var chunk = UploadChunk.newBuilder().setData(ByteString.copyFrom(new byte[4])).build();
    assertThat(classes.faults(sent("UploadMasked", chunk)))
        .singleElement()
        .asString()
        .contains("MASKED_CHUNK");
  }

  @Test
  void anUnmaskedVectorFailsTheUniformityTest() throws Exception {
    assertThat(ByteUniformity.statistic(plainVector(0))).isGreaterThan(ByteUniformity.LIMIT);
    assertThatThrownBy(() -> ByteUniformity.statistic(new byte[8]))
        .hasMessageContaining("8 bytes: at least 1280 are needed");
  }

  private List<String> faultsOf(ReportRequest.Builder report) {
    return classes.faults(sent("Report", report.build()));
  }

  /// A report without faults to begin with.
  private ReportRequest.Builder report() {
    for (var message : link.sent()) {
      if (decoded(message) instanceof ReportRequest report && report.hasReady()) {
        return report.toBuilder().clearReady();
      }
    }
    throw new IllegalStateException("the site never was ready");
  }

  private static RecordedLink.Message sent(String method, com.google.protobuf.Message message) {
    return new RecordedLink.Message(SERVICE + method, Bytes.of(message.toByteArray()));
  }

  private static com.google.protobuf.Message decoded(RecordedLink.Message message) {
    try {
      return WireClasses.decode(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a recorded message cannot be read", e);
    }
  }

  private static List<Content> contents(RecordedLink.Message message) {
    try {
      return WireClasses.contents(message);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a message cannot be read", e);
    }
  }

  private List<Content> sentContents() {
    var contents = new ArrayList<Content>();
    link.sent().forEach(message -> contents.addAll(contents(message)));
    contents.add(new Content("the request to join", joined, true));
    var body = joinRequest().body();
    for (var field : List.of("csr", "signature")) {
      contents.add(
          new Content(
              "join " + field,
              Bytes.of(Base64.getDecoder().decode(body.path(field).asString())),
              true));
    }
    for (var part : body.path("token").asString().split("\\.")) {
      contents.add(new Content("join token", Bytes.of(Base64.getUrlDecoder().decode(part)), true));
    }
    return contents;
  }

  /// The invitation is a secret, and meant for this one request.
  private static List<Content> withoutInvitation(List<Content> contents) {
    return contents.stream()
        .filter(content -> !content.where().equals("the request to join"))
        .toList();
  }

  private record JoinRequest(List<String> head, JsonNode body) {}

  private JoinRequest joinRequest() {
    var text = new String(joined.toByteArray(), StandardCharsets.UTF_8);
    int end = text.indexOf("\r\n\r\n");
    assertThat(end).as("one HTTP/1.1 request: %s", text).isPositive();
    return new JoinRequest(
        text.substring(0, end).lines().toList(), JSON.readTree(text.substring(end)));
  }

  private static String headerName(String line) {
    return line.substring(0, line.indexOf(':')).toLowerCase(java.util.Locale.ROOT);
  }

  private Map<SessionPhase, Integer> sessionMessages() {
    var phases = new HashMap<SessionPhase, Integer>();
    for (var message : link.sent()) {
      if (decoded(message) instanceof SendRequest send) {
        phases.merge(send.getMessage().getPhase(), 1, Integer::sum);
      }
    }
    return phases;
  }

  /// The uploaded vectors, by session, in order.
  private Map<Bytes, byte[]> uploads() {
    var uploads = new LinkedHashMap<Bytes, byte[]>();
    for (var message : link.sent()) {
      if (decoded(message) instanceof UploadChunk chunk) {
        uploads.put(Bytes.of(chunk.getSessionId().toByteArray()), chunk.getData().toByteArray());
      }
    }
    return uploads;
  }

  /// Before anything is uploaded: copies the update as it lies in the site's folder, unmasked.
  private void keepStoredUpdate(String method) {
    if (!method.equals(SERVICE + "UploadMasked")) {
      return;
    }
    try (var files =
        Files.newDirectoryStream(folder.resolve(OBSERVED).resolve("state/updates"), "*.z")) {
      for (var file : files) {
        String name = fileName(file);
        if (!stored.containsKey(name)) {
          storedInOrder.add(name);
          stored.put(name, Files.copy(file, folder.resolve("stored-" + storedInOrder.size())));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("the site's updates cannot be read", e);
    }
  }

  private Path storedUpdate(int session) {
    var file = stored.get(storedInOrder.get(session));
    if (file == null) {
      throw new IllegalStateException("no update was stored for session " + session);
    }
    return file;
  }

  /// The ring elements of a stored update: kind, length of the layout, layout, elements, digest.
  private byte[] plainVector(int session) throws IOException {
    var content = ByteBuffer.wrap(Files.readAllBytes(storedUpdate(session)));
    int begin = 8 + Integer.BYTES + content.getInt(8);
    return Arrays.copyOfRange(content.array(), begin, content.capacity() - 32);
  }

  private static int[] words(byte[] bytes) {
    var words = new int[bytes.length / Integer.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(words);
    return words;
  }

  private static byte[] bytes(int[] words) {
    var bytes = ByteBuffer.allocate(words.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(words);
    return bytes.array();
  }

  private static Bytes utf8(String text) {
    return Bytes.of(text.getBytes(StandardCharsets.UTF_8));
  }

  private WireClasses classes() throws IOException {
    var roots = new HashSet<Bytes>();
    for (var upload : uploads().values()) {
      var file = Files.write(folder.resolve("upload"), upload);
      roots.add(Bytes.of(MaskedUpdate.chunkRootOf(file).bytes()));
    }
    var heads =
        LedgerReport.read(new SiteDirectory(folder.resolve(OBSERVED)))
            .statement()
            .entries()
            .stream()
            .map(entry -> Bytes.of(entry.digest().bytes()))
            .collect(Collectors.toSet());
    return new WireClasses(
        new WireClasses.Site(OBSERVED, messageKey(), SITES),
        new Heard(link.received()),
        roots,
        heads);
  }

  private static Heard emptyHeard() {
    try {
      return new Heard(List.of());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("nothing cannot be malformed", e);
    }
  }

  private Bytes messageKey() throws IOException {
    return Bytes.of(
        dev.comity.membership.MessageKey.read(folder.resolve(OBSERVED).resolve("keys/message.key"))
            .publicKey()
            .bytes());
  }

  /// The features as they stand in the file and as the model sees them, their statistics, and how
  /// many rows there are in all, in training, per class.
  private Canaries canaries() {
    var canaries = new Canaries();
    var dataset =
        LocalDataset.read(SiteMapping.read(folder.resolve(OBSERVED).resolve("mapping.yaml")));
    for (int i = 0; i < FEATURES.size(); i++) {
      canaries.decimal("feature " + i, FEATURES.get(i));
    }
    var raw = dataset.rawTrain().features();
    double mean = 0;
    for (float value : raw) {
      mean += value / raw.length;
    }
    double variance = 0;
    for (float value : raw) {
      variance += (value - mean) * (value - mean) / raw.length;
    }
    canaries.real("mean", mean).real("standard deviation", Math.sqrt(variance));
    var scaled = new HashSet<Float>();
    for (float value : dataset.train().features()) {
      scaled.add(value);
    }
    assertThat(scaled).hasSize(FEATURES.size());
    scaled.forEach(value -> canaries.real("scaled feature", value));
    int train = dataset.train().count();
    assertThat(train).isEqualTo(ROWS - (int) Math.round(ROWS * TEST_FRACTION));
    return canaries
        .count("rows", ROWS)
        .count("rows in training", train)
        .real("weight", train / 3e6);
  }

  private Canaries secrets(AggregatorUnderTest aggregator)
      throws IOException, GeneralSecurityException {
    var found = new Canaries().text("API token", aggregator.apiToken());
    found.text("initial password", initialPassword);
    invitations.forEach((site, token) -> found.text("invitation of " + site, token));
    var folders = new ArrayList<>(aggregator.keyFolders());
    for (var site : SITES) {
      var keys = folder.resolve(site).resolve("keys");
      folders.add(keys);
      found.secret("site secret of " + site, Files.readAllBytes(keys.resolve("site.secret")));
    }
    int keys = 0;
    for (var each : folders) {
      try (var files = Files.newDirectoryStream(each, "*.key")) {
        for (var file : files) {
          found.secret(file.toString(), privateKey(file));
          keys++;
        }
      }
    }
    assertThat(keys).as("private keys of aggregator, consortium and sites").isEqualTo(3 + 1 + 10);
    return found;
  }

  /// The 32 secret bytes of a private key on P-256 or Ed25519.
  private static byte[] privateKey(Path file) throws IOException, GeneralSecurityException {
    String pem = Files.readString(file);
    String begin = "-----BEGIN PRIVATE KEY-----";
    int from = pem.indexOf(begin) + begin.length();
    var spec =
        new PKCS8EncodedKeySpec(
            Base64.getMimeDecoder().decode(pem.substring(from, pem.indexOf("-----END", from))));
    boolean signing = Set.of("message.key", "consortium.key").contains(fileName(file));
    return switch (KeyFactory.getInstance(signing ? "Ed25519" : "EC").generatePrivate(spec)) {
      case ECPrivateKey key -> {
        byte[] secret = key.getS().toByteArray();
        yield Arrays.copyOfRange(secret, Math.max(0, secret.length - 32), secret.length);
      }
      case EdECPrivateKey key -> key.getBytes().orElseThrow();
      case null, default -> throw new IllegalStateException(file + " holds a key of another kind");
    };
  }

  private static String fileName(Path file) {
    return String.valueOf(file.getFileName());
  }

  private String join(String site, AggregatorUnderTest aggregator) throws Exception {
    String invitation = aggregator.invite(site);
    invitations.put(site, invitation);
    var directory = new SiteDirectory(folder.resolve(site));
    if (!site.equals(OBSERVED)) {
      return join(directory, invitation);
    }
    try (var tls = RecordedTls.open()) {
      String fingerprint = join(directory, invitation);
      joined = tls.plaintext();
      return fingerprint;
    }
  }

  private static String join(SiteDirectory directory, String invitation) throws Exception {
    return new Join(Clock.systemUTC())
        .join(directory, invitation, Optional.empty(), 0)
        .messageKey()
        .displayFingerprint();
  }

  private void writeData(String site) throws IOException {
    var target = Files.createDirectories(folder.resolve(site));
    boolean observed = site.equals(OBSERVED);
    Files.writeString(
        target.resolve("mapping.yaml"),
        """
        source: {files: [rows.csv], header: true}
        features: [{numeric: x}]
        label: {name: y, column: y, positiveAbove: 0}
        split: {fraction: {test: %s, seed: 7}}
        standardise: true
        """
            .formatted(observed ? TEST_FRACTION : 0.2));
    if (observed) {
      Files.writeString(
          target.resolve("policy.yaml"),
          """
          maxClipNorm: 100.0
          share: {metrics: allow}
          studies: [{study: any, purposes: any, columns: any, approval: none}]
          """);
    }
    try (BufferedWriter out = Files.newBufferedWriter(target.resolve("rows.csv"))) {
      out.write("x,y\n");
      for (int row = 0; row < (observed ? ROWS : 300); row++) {
        String feature = FEATURES.get(row % FEATURES.size());
        out.write(observed ? feature : Integer.toString(row % 17 - 8));
        out.write(feature.startsWith("-") ? ",0\n" : ",1\n");
      }
    }
  }

  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    var never = new CountDownLatch(1);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("patience for: " + what).isLessThan(end);
      var _ = never.await(50, TimeUnit.MILLISECONDS);
    }
  }

  private static Path checkout() {
    var module = Path.of("").toAbsolutePath();
    var root = module;
    while (root != null && !Files.exists(root.resolve("mvnw"))) {
      root = root.getParent();
    }
    if (root == null) {
      throw new IllegalStateException(module + " is not in a checkout");
    }
    return root;
  }

  /// Writes what this process logs to a stream, the project's own loggers in full detail.
  private static final class Logged implements AutoCloseable {
    private final OutputStreamAppender<ILoggingEvent> appender = new OutputStreamAppender<>();
    private final ch.qos.logback.classic.Logger root;
    private final ch.qos.logback.classic.Logger own;

    Logged(ByteArrayOutputStream target) {
      if (!(LoggerFactory.getILoggerFactory() instanceof LoggerContext context)) {
        throw new IllegalStateException("the log of this process is not Logback's");
      }
      root = context.getLogger(Logger.ROOT_LOGGER_NAME);
      own = context.getLogger("dev.comity");
      root.setLevel(Level.INFO);
      own.setLevel(Level.TRACE);
      var encoder = new PatternLayoutEncoder();
      encoder.setContext(context);
      encoder.setPattern("%level %logger %msg %kvp %mdc%n%ex{full}");
      encoder.start();
      appender.setContext(context);
      appender.setEncoder(encoder);
      appender.setOutputStream(target);
      appender.start();
      root.addAppender(appender);
    }

    boolean isOpen() {
      return appender.isStarted();
    }

    @Override
    public void close() {
      root.detachAppender(appender);
      appender.stop();
      own.setLevel(null);
    }
  }
}
