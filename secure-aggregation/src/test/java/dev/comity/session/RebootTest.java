package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sites whose power fails at any moment and comes back: they go on in the same session with the
/// same bytes, unless their vault lost or forgot something.
class RebootTest {
  private static final int WRITES_OF_A_SESSION = 20;

  private static Federation federation() {
    Federation federation = new Federation(5, 1);
    federation.randomOf = site -> new FixedRandom(federation.sites.indexOf(site));
    return federation;
  }

  /// Restarts a site before each of its steps, or never.
  private static List<SessionEvent> events(
      BiPredicate<SiteId, SignedView.Kind> answers, boolean restarting) {
    Federation federation = federation();
    federation.run((site, kind) -> {
      if (restarting) {
        federation.restart(site);
      }
      return answers.test(site, kind);
    });
    if (federation.server.state() == ServerSession.State.DONE) {
      assertThat(federation.maskedSum().encode())
          .isEqualTo(federation.plainSum(federation.server.survivors()).encode());
    }
    return List.copyOf(federation.events);
  }

  @Tag("exhaustive")
  @Test
  void aSessionOfSitesThatRestartBeforeEveryStepHasTheSameBytesWhoeverDropsOut() {
    List<SiteId> sites = federation().sites;
    List<SignedView.Kind> phases =
        List.of(SignedView.Kind.values()).subList(0, SignedView.Kind.values().length - 1);

    phases.parallelStream()
        .forEach(first -> {
          for (SignedView.Kind second : phases) {
            BiPredicate<SiteId, SignedView.Kind> answers =
                (site, kind) ->
                    !(site.equals(sites.get(1)) && kind.compareTo(first) >= 0)
                        && !(site.equals(sites.get(4)) && kind.compareTo(second) >= 0);
            assertThat(events(answers, true))
                .as("site-1 goes before %s, site-4 before %s", first, second)
                .isEqualTo(events(answers, false))
                .isNotEmpty();
          }
        });
  }

  @Test
  void whatASiteSentItSendsAgainAfterARestartByteForByte() {
    Federation federation = new Federation(5, 1);
    SiteId site = federation.sites.getFirst();
    int repeated = 0;

    while (federation.server.state() != ServerSession.State.DONE) {
      ServerSession.Owed owed = federation.server.owed().getFirst();
      if (owed.site().equals(site)) {
        SignedMessage first = federation.answer(site, owed.view());
        federation.restart(site);
        assertThat(federation.answer(site, owed.view())).isEqualTo(first);
        federation.restart(site);
        repeated++;
      }
      federation.deliver(owed.site(), owed.view());
    }

    assertThat(repeated).isEqualTo(5);
  }

  @Tag("exhaustive")
  @Test
  void aPowerCutBeforeAnyWriteAndARestartCostTheSessionNothing() {
    int cuts = 0;
    for (int write = 0; write < WRITES_OF_A_SESSION; write++) {
      Federation federation = federation();
      SiteId victim = federation.sites.get(2);
      MemoryVault vault = (MemoryVault) federation.vault(victim);
      RecordingBook book = new RecordingBook(vault);
      federation.books.put(victim, book);
      vault.failBeforeWrite(write);
      Set<SignedMessage> sent = new HashSet<>();
      federation.onTheWire =
          message -> {
            if (message.sender().equals(victim)) {
              sent.add(message);
            }
            return message;
          };

      while (federation.server.verdict().isEmpty()) {
        try {
          federation.run((_, _) -> true);
        } catch (MemoryVault.PowerLost _) {
          cuts++;
          vault.restorePower();
          federation.restart(victim);
        }
      }

      assertThat(federation.server.survivors())
          .as("power cut before write " + write)
          .isEqualTo(federation.sites);
      assertThat(federation.maskedSum().encode())
          .isEqualTo(federation.plainSum(federation.sites).encode());
      assertThat(sent.stream().map(SignedMessage::phase)).doesNotHaveDuplicates().hasSize(5);
      assertThat(book.entries).containsExactly("CHARGE");
      assertThat(federation.standing(victim)).isEqualTo(Standing.SPENT);
    }
    assertThat(cuts).isBetween(15, WRITES_OF_A_SESSION - 1); // every write of the session, no less
  }

  @Test
  void aSiteThatRestartsOverItsFilesAtEveryStepGoesOn(@TempDir Path directory) throws IOException {
    Federation federation = federation();
    SiteId site = federation.sites.get(1);
    byte[] secret = new byte[32];
    federation.vaults.put(site, SiteVault.inDirectory(directory, secret));

    while (federation.server.state() != ServerSession.State.DONE) {
      federation.vault(site).close();
      federation.vaults.put(site, SiteVault.inDirectory(directory, secret));
      federation.restart(site);
      ServerSession.Owed owed = federation.server.owed().getFirst();
      federation.deliver(owed.site(), owed.view());
    }

    federation.vault(site).close();
    assertThat(federation.server.survivors()).isEqualTo(federation.sites);
    assertThat(federation.maskedSum().encode())
        .isEqualTo(federation.plainSum(federation.sites).encode());
  }

  @Test
  void aRestartedSiteHoldsTheAggregatorToTheKeysSharesAndSurvivorsThatItSawBefore() {
    Federation federation = federation();
    SiteId site = federation.sites.getFirst();
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    KeyList keys = ((SharingKeys) federation.server).keys();
    federation.answer(site, SignedView.Kind.KEYS);
    KeyList fewer = KeyList.of(keys.roster(), List.copyOf(keys.messages().values()).subList(0, 4));

    federation.restart(site);
    assertRefused(
        SessionRefusal.Reason.INCONSISTENT_VIEW,
        () -> federation.session(site).share(signed(federation, SignedView.Kind.KEYS, fewer)));

    federation.runUntil(ServerSession.State.VOTING);
    SignedMessage commit = federation.answer(site, SignedView.Kind.HEADERS);
    HeaderList headers = ((Voting) federation.server).headers();
    HeaderList others =
        HeaderList.of(headers.shares(), List.copyOf(headers.messages().values()).subList(0, 4));
    federation.restart(site);
    assertThat(federation.answer(site, SignedView.Kind.HEADERS)).isEqualTo(commit);
    SignedMessage vote =
        federation
            .session(site)
            .vote(
                SignedView.of(
                        SignedView.Kind.HEADERS,
                        federation.server.descriptor().id(),
                        others.toCbor(),
                        federation.aggregator)
                    .encode());
    assertThat(Ballot.decode(vote.body().toByteArray())).isEqualTo(Ballot.ABORT);
  }

  private static byte[] signed(Federation federation, SignedView.Kind kind, KeyList keys) {
    return SignedView.of(
            kind, federation.server.descriptor().id(), keys.toCbor(), federation.aggregator)
        .encode();
  }

  @Test
  void aSiteThatLeftStaysOutAfterARestartButMayStillHelpToAbort() {
    Federation federation = federation();
    SiteId site = federation.sites.getFirst();
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.session(site).leave();
    federation.restart(site);

    assertRefused(
        SessionRefusal.Reason.LEFT, () -> federation.session(site).mask(federation.view(site)));
    assertRefused(SessionRefusal.Reason.LEFT, () -> federation.session(site).advertise());

    federation.sendMoved(new SessionEvent.Cancelled("no longer wanted"));
    SignedMessage vote = federation.answer(site, SignedView.Kind.ABORT_PROPOSAL);
    federation.sendMoved(new SessionEvent.MessageReceived(vote));
  }

  @Test
  void aSiteWithoutItsSeedIsRefusedAndNamesTheRemedy() {
    Federation federation = federation();
    SiteId site = federation.sites.getFirst();
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    MemoryVault broken = ((MemoryVault) federation.vault(site)).backup();
    broken.lose(federation.server.descriptor().id(), SiteVault.Item.SEED);
    federation.vaults.put(site, broken);
    federation.restart(site);

    assertThatThrownBy(() -> federation.session(site).share(federation.view(site)))
        .isInstanceOf(SessionRefusal.class)
        .hasMessageContaining("new enrolment");
  }

  @Test
  void aVaultRolledBackToBeforeTheSessionMeetsThePeersCounters() {
    Federation federation = federation();
    SiteId site = federation.sites.getFirst();
    MemoryVault backup = ((MemoryVault) federation.vault(site)).backup();
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.sites.forEach(each -> federation.session(each).leave());
    federation.vaults.put(site, backup);

    federation.retry(federation.sites, Optional.empty());
    federation.runUntil(ServerSession.State.SHARING_KEYS);

    for (SiteId peer : federation.sites.subList(1, 5)) {
      assertRefused(
          SessionRefusal.Reason.REPLAYED_COUNTER,
          () -> federation.answer(peer, SignedView.Kind.KEYS));
    }
  }

  @Test
  void aVaultRolledBackToBeforeItsAdvertisementDoesNotGoOnUnderTheOldKeys() {
    Federation federation = new Federation(5, 1);
    SiteId site = federation.sites.getFirst();
    MemoryVault backup = ((MemoryVault) federation.vault(site)).backup();
    byte[] descriptor = federation.view(site);
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    federation.vaults.put(site, backup);

    SiteSession again =
        SiteSession.open(
            federation.site(site),
            federation.plan,
            Objects.requireNonNull(federation.updates.get(site)),
            descriptor);
    SignedMessage other = again.advertise();

    assertThat(federation.send(other)).isNotInstanceOf(ServerSession.Transition.Moved.class);
    assertRefused(
        SessionRefusal.Reason.INCONSISTENT_VIEW, () -> again.share(federation.view(site)));
  }

  @Test
  void aVaultRolledBackToBeforeItsMaskedInputMakesTheSameMaskedInput() {
    Federation federation = new Federation(5, 1);
    SiteId site = federation.sites.getFirst();
    federation.runUntil(ServerSession.State.COLLECTING);
    MemoryVault backup = ((MemoryVault) federation.vault(site)).backup();
    SiteSession.MaskedInput first = federation.session(site).mask(federation.view(site));
    federation.vaults.put(site, backup);
    federation.restart(site);

    SiteSession.MaskedInput second = federation.session(site).mask(federation.view(site));

    assertThat(second.update().digest()).isEqualTo(first.update().digest());
    assertThat(second.header()).isEqualTo(first.header());
  }

  @Test
  void aCloneIsRefusedInTheSameSessionAndInTheNextItsCounterGivesItAway() {
    Federation federation = federation();
    federation.randomOf = _ -> new FixedRandom(federation.events.size());
    SiteId site = federation.sites.getFirst();
    MemoryVault clone = ((MemoryVault) federation.vault(site)).backup();
    SiteVault original = federation.vault(site);
    SignedMessage first = federation.answer(site, SignedView.Kind.DESCRIPTOR);
    byte[] descriptor = federation.view(site);
    federation.send(first);
    SiteSession ofOriginal = federation.session(site);

    federation.vaults.put(site, clone);
    SignedMessage second =
        SiteSession.open(
                federation.site(site),
                federation.plan,
                Objects.requireNonNull(federation.updates.get(site)),
                descriptor)
            .advertise();
    assertThat(second).isNotEqualTo(first);
    assertThat(federation.send(second))
        .isInstanceOfSatisfying(
            ServerSession.Transition.Refused.class,
            refused -> assertThat(refused.code()).isEqualTo(SessionRefusal.Reason.EQUIVOCATION));

    federation.vaults.put(site, original);
    federation.sessions.put(site, ofOriginal);
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.sites.forEach(each -> federation.session(each).leave());
    SiteSession.leave(clone, ofOriginal.id());
    federation.vaults.put(site, clone.backup());
    federation.retry(federation.sites, Optional.empty());
    federation.runUntil(ServerSession.State.SHARING_KEYS);
    assertThat(((SharingKeys) federation.server).keys().of(site).counter())
        .isEqualTo(2); // the clone has been in a session as well; nobody can tell it apart

    federation.sites.stream()
        .filter(each -> !each.equals(site))
        .forEach(each -> federation.answer(each, SignedView.Kind.KEYS));
    federation.sites.forEach(each -> federation.session(each).leave());
    federation.vaults.put(site, original); // which has not been in the last session
    federation.retry(federation.sites, Optional.empty());
    federation.runUntil(ServerSession.State.SHARING_KEYS);

    for (SiteId peer : federation.sites.subList(1, 5)) {
      assertRefused(
          SessionRefusal.Reason.REPLAYED_COUNTER,
          () -> federation.answer(peer, SignedView.Kind.KEYS));
    }
  }

  @Test
  void anEndedSessionIsNotOpenedAgain() {
    Federation federation = federation();
    SiteId site = federation.sites.getFirst();
    byte[] descriptor = federation.view(site);
    federation.runUntil(ServerSession.State.VOTING);
    federation.sendMoved(new SessionEvent.Cancelled("no longer wanted"));
    federation.run((_, _) -> true);
    Digest session = federation.server.descriptor().id();
    Standing.settle(
        federation.vault(site),
        PrivacyBook.none(),
        session,
        federation.server.certificate().orElseThrow().encode());

    assertRefused(
        SessionRefusal.Reason.OUT_OF_ORDER,
        () ->
            SiteSession.open(
                federation.site(site),
                federation.plan,
                Objects.requireNonNull(federation.updates.get(site)),
                descriptor));
    federation.restart(site);
    assertRefused(
        SessionRefusal.Reason.OUT_OF_ORDER, () -> federation.session(site).unmask(descriptor));
  }

  private static void assertRefused(SessionRefusal.Reason reason, Runnable step) {
    assertThatThrownBy(step::run)
        .isInstanceOfSatisfying(
            SessionRefusal.class, refusal -> assertThat(refusal.reason()).isEqualTo(reason));
  }
}
