package dev.comity.simulation;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.SessionEvent;
import dev.comity.session.SignedMessage;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The stored events of one session: `length (4 bytes) ‖ event ‖ SHA-256 of the event`, one after
/// the other. An end that a power cut tore off was never acted on, and is cut away.
record EventLog(Storage storage, Path file) {
  private static final int MOST_BYTES = 1 << 20;

  void add(SessionEvent event) {
    byte[] encoded = encode(event);
    byte[] record =
        ByteBuffer.allocate(Integer.BYTES + encoded.length + Digest.SIZE)
            .putInt(encoded.length)
            .put(encoded)
            .put(Digest.of(encoded).bytes())
            .array();
    try {
      storage.append(file, record);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<SessionEvent> events() {
    try {
      byte[] content = storage.read(file).orElse(new byte[0]);
      ByteBuffer in = ByteBuffer.wrap(content);
      List<SessionEvent> events = new ArrayList<>();
      int whole = 0;
      while (in.remaining() >= Integer.BYTES) {
        int length = in.getInt();
        if (length < 1 || in.remaining() < length + Digest.SIZE) {
          break;
        }
        byte[] encoded = new byte[length];
        byte[] digest = new byte[Digest.SIZE];
        in.get(encoded).get(digest);
        if (!Arrays.equals(digest, Digest.of(encoded).bytes())) {
          break;
        }
        events.add(decode(encoded));
        whole = in.position();
      }
      if (whole < content.length) {
        storage.write(file, Arrays.copyOf(content, whole));
      }
      return events;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] encode(SessionEvent event) {
    return switch (event) {
      case SessionEvent.MessageReceived(var message) ->
          CborWriter.map()
              .text("event", "message")
              .bytes("session", message.session().bytes())
              .text("sender", message.sender().value())
              .text("phase", message.phase().name())
              .bytes("body", message.body())
              .bytes("signature", message.signature())
              .toBytes();
      case SessionEvent.MaskedInputStored(var site, var root) ->
          CborWriter.map()
              .text("event", "stored")
              .text("site", site.value())
              .bytes("root", root.bytes())
              .toBytes();
      case SessionEvent.PhaseDeadlinePassed(var phase) ->
          CborWriter.map().text("event", "deadline").text("phase", phase.name()).toBytes();
      case SessionEvent.Cancelled(var reason) ->
          CborWriter.map().text("event", "cancelled").text("reason", reason).toBytes();
      case SessionEvent.MemberRevoked(var site) ->
          CborWriter.map().text("event", "revoked").text("site", site.value()).toBytes();
    };
  }

  private static SessionEvent decode(byte[] bytes) {
    return CborReader.read(
        bytes,
        "SessionEvent",
        in ->
            switch (in.text("event")) {
              case "message" ->
                  new SessionEvent.MessageReceived(
                      new SignedMessage(
                          Digest.ofValue(in.bytes("session", Digest.SIZE)),
                          new SiteId(in.text("sender")),
                          SignedMessage.Phase.valueOf(in.text("phase")),
                          in.bytes("body", 1, MOST_BYTES),
                          in.bytes("signature", 64)));
              case "stored" ->
                  new SessionEvent.MaskedInputStored(
                      new SiteId(in.text("site")), Digest.ofValue(in.bytes("root", Digest.SIZE)));
              case "deadline" ->
                  new SessionEvent.PhaseDeadlinePassed(
                      SignedMessage.Phase.valueOf(in.text("phase")));
              case "cancelled" -> new SessionEvent.Cancelled(in.text("reason"));
              case "revoked" -> new SessionEvent.MemberRevoked(new SiteId(in.text("site")));
              default -> throw new IllegalStateException("stored event of an unknown kind");
            });
  }
}
