package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.MalformedException;
import dev.comity.codec.Mutations;
import dev.comity.plan.PlanCodec;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Damaged documents of every kind that crosses the wire. Each is refused by the exception that its
/// reader names, or it is a valid document and encodes to the very bytes that came.
///
/// `-Dcomity.fuzz.inputs=10000000` takes that many inputs of each kind.
class CodecFuzzTest {
  private static final long SEED = 20_261_125;
  private static final int USUALLY = 4_000;

  /// Reads a document and writes it again; empty when the kind has no writer.
  private interface Reader extends Function<byte[], Optional<byte[]>> {}

  static Stream<Arguments> kinds() {
    Federation federation = new Federation(4, 1);
    List<byte[]> views = new ArrayList<>();
    List<SignedMessage> messages = new ArrayList<>();
    List<byte[]> certificates = new ArrayList<>();
    federation.onTheWire =
        message -> {
          messages.add(message);
          return message;
        };
    federation.run((site, kind) -> {
      views.add(federation.view(site));
      return !(site.equals(federation.sites.getLast()) && kind == SignedView.Kind.HEADERS);
    });
    certificates.add(federation.server.certificate().orElseThrow().encode());
    Federation aborted = new Federation(4, 1);
    aborted.runUntil(ServerSession.State.COLLECTING);
    aborted.send(new SessionEvent.Cancelled("the run was cancelled"));
    aborted.run((site, kind) -> true);
    certificates.add(aborted.server.certificate().orElseThrow().encode());
    SignedMessage first = messages.getFirst();
    return Stream.of(
        kind(
            "RoundPlan",
            List.of(PlanCodec.encode(federation.plan)),
            bytes -> Optional.of(PlanCodec.encode(PlanCodec.decodePlan(bytes)))),
        kind(
            "VectorLayout",
            List.of(PlanCodec.encode(federation.plan.terms().vector())),
            bytes -> Optional.of(PlanCodec.encode(PlanCodec.decodeVectorLayout(bytes)))),
        kind(
            "SessionDescriptor",
            List.of(federation.server.descriptor().encode(), aborted.server.descriptor().encode()),
            bytes -> Optional.of(SessionDescriptor.decode(bytes).encode())),
        kind("SignedView", views, bytes -> Optional.of(SignedView.decode(bytes).encode())),
        kind("Certificate", certificates, bytes -> Optional.of(Certificate.decode(bytes).encode())),
        kind(
            "SignedMessage",
            messages.stream().map(message -> message.toCbor().toBytes()).toList(),
            bytes ->
                Optional.of(
                    CborReader.read(
                            bytes,
                            "SignedMessage",
                            in ->
                                SignedMessage.fromCbor(in, first.session(), first.phase(), 1 << 20))
                        .toCbor()
                        .toBytes())),
        kind(
            "ADVERTISE_KEYS",
            bodies(messages, SignedMessage.Phase.ADVERTISE_KEYS),
            bytes ->
                Optional.of(Advertisement.of(with(first, bytes), Suite.Agreement.X25519).encode())),
        kind(
            "SHARE_KEYS",
            bodies(messages, SignedMessage.Phase.SHARE_KEYS),
            bytes -> {
              ShareDeliveries.commitmentIn(bytes);
              return Optional.empty();
            }),
        kind(
            "MASKED_INPUT",
            bodies(messages, SignedMessage.Phase.MASKED_INPUT),
            bytes -> Optional.of(InputHeader.of(with(first, bytes)).encode())),
        kind(
            "VOTE",
            bodies(messages, SignedMessage.Phase.VOTE),
            bytes -> Optional.of(Ballot.decode(bytes).body())),
        kind(
            "UNMASK",
            bodies(messages, SignedMessage.Phase.UNMASK),
            bytes -> {
              UnmaskAnswer.of(with(first, bytes));
              return Optional.empty();
            }));
  }

  private static List<byte[]> bodies(List<SignedMessage> messages, SignedMessage.Phase phase) {
    List<byte[]> bodies =
        messages.stream()
            .filter(message -> message.phase() == phase)
            .map(message -> message.body().toByteArray())
            .toList();
    assertThat(bodies).isNotEmpty();
    return bodies;
  }

  private static SignedMessage with(SignedMessage message, byte[] body) {
    return new SignedMessage(
        message.session(),
        new SiteId("site-0"),
        message.phase(),
        Bytes.of(body),
        message.signature());
  }

  private static Arguments kind(String name, List<byte[]> corpus, Reader reader) {
    return Arguments.of(name, corpus, reader);
  }

  @Tag("exhaustive")
  @ParameterizedTest(name = "{0}")
  @MethodSource("kinds")
  void aDamagedDocumentIsRefusedOrIsExactlyWhatItsReaderWrites(
      String name, List<byte[]> corpus, Reader reader) {
    Mutations mutations = new Mutations(corpus, SEED);
    int refused = 0;
    int inputs = Mutations.inputs(USUALLY);

    for (int i = 0; i < inputs; i++) {
      byte[] bytes = mutations.next();
      try {
        Optional<byte[]> again = reader.apply(bytes);
        if (again.isPresent() && !Arrays.equals(again.get(), bytes)) {
          fail(
              "%s, seed %d, input %d reads as another document: %s",
              name, SEED, i, HexFormat.of().formatHex(bytes));
        }
      } catch (MalformedException | SessionRefusal e) {
        refused++;
      } catch (RuntimeException e) {
        fail(
            "%s, seed %d, input %d: %s".formatted(name, SEED, i, HexFormat.of().formatHex(bytes)),
            e);
      }
    }

    assertThat(refused).isBetween(inputs / 4, inputs);
  }
}
