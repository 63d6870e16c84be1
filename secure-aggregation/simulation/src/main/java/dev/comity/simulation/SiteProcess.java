package dev.comity.simulation;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SessionRefusal;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.session.SiteVault;
import dev.comity.session.Standing;
import dev.comity.storage.Storage;
import dev.comity.update.NoisedUpdate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// A site: the production session and vault over a simulated disk, and a little of an agent around
/// them, which asks the aggregator again and again what it owes.
final class SiteProcess extends Machine {
  private static final Path VAULT = Path.of("/vault");
  private static final Path BOOK = Path.of("/book");
  private static final int MOST_MILLISECONDS_BETWEEN_QUESTIONS = 3000;

  private final SiteId id;
  private final SimulatedFederation federation;
  private final NoisedUpdate update;
  private final Equipment equipment;
  private final Observer observer;
  private final Tally tally;
  private final Supplier<MembershipEpoch> membership;
  private final Consumer<Packet> toAggregator;
  private final SeededRandom secrets;
  private final byte[] siteSecret = new byte[32];
  private final Map<Digest, SiteSession> sessions = new HashMap<>();
  private @Nullable SiteVault vault;
  private @Nullable PrivacyBook book;

  SiteProcess(
      World world,
      long seed,
      SiteId id,
      SimulatedFederation federation,
      Equipment equipment,
      Observer observer,
      Tally tally,
      Supplier<MembershipEpoch> membership,
      Consumer<Packet> toAggregator,
      int crashes) {
    super(world, id.value(), equipment.disk(), crashes);
    this.id = id;
    this.federation = federation;
    this.update = equipment.update(id, federation.update(id));
    this.equipment = equipment;
    this.observer = observer;
    this.tally = tally;
    this.membership = membership;
    this.toAggregator = toAggregator;
    this.secrets = new SeededRandom(seed, "secrets of " + id);
    secrets.nextBytes(siteSecret);
    new StoredBook(new Storage(disk()), BOOK).reserve(federation.terms());
  }

  SiteId id() {
    return id;
  }

  @Override
  void boot() {
    Storage storage = new Storage(disk());
    sessions.clear();
    try {
      vault = equipment.vault(id, SiteVault.in(storage, VAULT, siteSecret.clone(), secrets));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    book = equipment.book(id, new StoredBook(storage, BOOK));
    ask();
  }

  private SiteVault vault() {
    if (vault == null) {
      throw new IllegalStateException(id + " has not started");
    }
    return vault;
  }

  private PrivacyBook book() {
    if (book == null) {
      throw new IllegalStateException(id + " has not started");
    }
    return book;
  }

  private SiteSession.Site site() {
    return new SiteSession.Site(
        id,
        SimulatedFederation.key(id),
        1,
        membership.get(),
        vault(),
        book(),
        0,
        SimulatedFederation.MIN_HONEST,
        federation.rule(),
        world().clock(),
        secrets);
  }

  private void ask() {
    List<Digest> open = vault().locks().values().stream().sorted().toList();
    send(new Packet.Hello(id, open));
    after(800 + world().random().nextInt(MOST_MILLISECONDS_BETWEEN_QUESTIONS), this::ask);
  }

  private void send(Packet packet) {
    world().send(() -> toAggregator.accept(packet));
  }

  void receive(Packet packet) {
    run(() -> {
      try {
        switch (packet) {
          case Packet.Shown shown -> answer(shown);
          case Packet.Ended ended -> settle(ended);
          case Packet.Hello _, Packet.Said _, Packet.Uploaded _ ->
              throw new IllegalArgumentException("a packet for the aggregator");
        }
      } catch (SessionRefusal refusal) {
        tally.count("a site refuses: " + refusal.reason());
        note("refuses: %s: %s".formatted(refusal.reason(), refusal.getMessage()));
        if (refusal.reason() == SessionRefusal.Reason.MISSING_SHARES
            && packet instanceof Packet.Shown shown) {
          SiteSession.leave(vault(), shown.claim().session());
        }
      } catch (IllegalStateException | UncheckedIOException e) {
        observer.surprised(id, e);
      }
    });
  }

  private void answer(Packet.Shown shown) {
    Digest session = shown.claim().session();
    SiteSession opened = opened(shown.kind(), session, shown.view());
    Equipment.Answer answer = equipment.answer(site(), opened, shown.kind(), shown.view());
    SignedMessage message = answer.message();
    tally.count("a site answers " + shown.kind());
    note(
        "%s in reply to %s of %s"
            .formatted(message.phase(), shown.kind(), message.session().abbreviated()));
    answer
        .vector()
        .ifPresent(vector ->
            observer.masked(
                id, shown.claim(), vector.digest(), chargedOnStableStorage(message.session())));
    observer.said(message, shown.claim());
    send(new Packet.Said(message, shown.claim()));
    answer.vector().ifPresent(vector -> send(new Packet.Uploaded(message.session(), id, vector)));
  }

  private SiteSession opened(SignedView.Kind kind, Digest session, byte[] view) {
    SiteSession known = sessions.get(session);
    if (known == null) {
      known =
          kind == SignedView.Kind.DESCRIPTOR
              ? SiteSession.open(site(), federation.plan(), update, view)
              : SiteSession.reopen(site(), session, _ -> Optional.of(update));
      sessions.put(session, known);
    }
    return known;
  }

  /// Whether a power cut now would leave the charge for this site's update and `session`.
  private boolean chargedOnStableStorage(Digest session) {
    return new StoredBook(new Storage(disk().stable()), BOOK)
        .chargedTo(federation.terms())
        .filter(session::equals)
        .isPresent();
  }

  private void settle(Packet.Ended ended) {
    Digest session = ended.session();
    if (ended.certificate().isPresent()) {
      Standing standing = Standing.settle(vault(), book(), session, ended.certificate().get());
      note(
          "settles its update by the certificate of %s: %s"
              .formatted(session.abbreviated(), standing));
    } else if (!vault().hasInput(session)) {
      SiteSession.leave(vault(), session);
      note("leaves " + session.abbreviated());
    }
  }

  /// Where this site's update stands, once it runs.
  Standing standing() {
    return Standing.of(vault(), federation.terms());
  }

  /// The round is over: what was reserved for an update that nobody summed is taken back.
  Standing endRound() {
    return Standing.release(vault(), book(), federation.terms());
  }

  /// Whether the book holds a reservation or a charge for the update.
  boolean booked() {
    return book().open().contains(federation.terms());
  }
}
