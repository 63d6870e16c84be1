package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.plan.Suite;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// When a session touches the site's book: one update, one release, one charge.
class PrivacyBookTest {
  private final Federation federation = new Federation(5, 1);
  private final SiteId site = federation.sites.get(2);
  private final MemoryVault vault = (MemoryVault) federation.vault(site);
  private final RecordingBook book = new RecordingBook(vault);
  private final Digest terms = federation.plan.terms().digest();

  PrivacyBookTest() {
    federation.books.put(site, book);
  }

  @Test
  void theAdvertisementCarriesTheHeadOfTheBook() {
    book.entries.add("RESERVE");

    SignedMessage message = federation.answer(site, SignedView.Kind.DESCRIPTOR);

    assertThat(Advertisement.of(message, Suite.Agreement.X25519).ledgerHead())
        .isEqualTo(book.head())
        .isNotEqualTo(PrivacyBook.EMPTY);
  }

  @Test
  void theChargeComesBeforeTheMaskedVectorAndOnce() {
    federation.runUntil(ServerSession.State.COLLECTING);
    assertThat(book.entries).isEmpty();

    federation.session(site).mask(federation.view(site));
    federation.session(site).mask(federation.view(site));

    assertThat(book.entries).containsExactly("CHARGE");
    assertThat(vault.hasInput(federation.server.descriptor().id())).isTrue();
  }

  @Test
  void withoutBudgetNoMaskedVectorExistsAndTheSiteCanLeave() {
    federation.runUntil(ServerSession.State.COLLECTING);
    book.exhaust();

    assertThatThrownBy(() -> federation.session(site).mask(federation.view(site)))
        .isInstanceOfSatisfying(
            SessionRefusal.class,
            refusal -> assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.BUDGET));

    assertThat(vault.hasInput(federation.server.descriptor().id())).isFalse();
    federation.session(site).leave();
    assertThat(federation.standing(site)).isEqualTo(Standing.FREE);
  }

  @Test
  void aChargeWhoseSessionWasLeftBeforeTheVectorPassesToTheNext() {
    federation.runUntil(ServerSession.State.COLLECTING);
    vault.failBeforeWrite(0);
    assertThatThrownBy(() -> federation.session(site).mask(federation.view(site)))
        .isInstanceOf(MemoryVault.PowerLost.class);
    vault.restorePower();
    federation.session(site).leave();

    federation.retry(federation.sites, Optional.empty());
    leaveAll();
    federation.run((_, _) -> true);

    assertThat(federation.standing(site)).isEqualTo(Standing.SPENT);
    assertThat(book.entries).containsExactly("CHARGE");
  }

  private void leaveAll() {
    for (SiteId each : federation.sites) {
      federation
          .vault(each)
          .locks()
          .values()
          .forEach(session -> SiteSession.leave(federation.vault(each), session));
    }
  }

  @Test
  void anAbortCertificateRefundsOnceAndTheNextSessionChargesAgain() {
    federation.runUntil(ServerSession.State.VOTING);
    federation.sendMoved(new SessionEvent.Cancelled("no longer wanted"));
    federation.run((_, _) -> true);
    Digest first = federation.server.descriptor().id();
    Certificate abort = federation.server.certificate().orElseThrow();
    assertThat(book.entries).containsExactly("CHARGE");

    for (SiteId each : federation.sites) {
      Standing.settle(federation.vault(each), federation.book(each), first, abort.encode());
    }

    assertThat(federation.standing(site)).isEqualTo(Standing.FREE);
    assertThat(book.entries).containsExactly("CHARGE", "REFUND Abort");
    federation.retry(
        federation.sites,
        Optional.of(new SessionDescriptor.Previous.Aborted(first, abort.digest())));
    federation.run((_, _) -> true);
    assertThat(federation.standing(site)).isEqualTo(Standing.SPENT);
    assertThat(book.entries).containsExactly("CHARGE", "REFUND Abort", "CHARGE");
  }

  @Test
  void aCommitWithoutThisSiteRefundsWhatItCharged() {
    federation.runUntil(ServerSession.State.COLLECTING);
    federation.answer(site, SignedView.Kind.SHARES); // masked, but it never arrives
    federation.run((each, kind) -> !(each.equals(site) && kind == SignedView.Kind.SHARES));

    assertThat(federation.server.survivors()).doesNotContain(site);
    assertThat(federation.standing(site)).isEqualTo(Standing.FREE);
    assertThat(book.entries).containsExactly("CHARGE", "REFUND Commit");
  }

  @Test
  void aCommitWithThisSiteRefundsNothingAndReleasesNothing() {
    federation.run((_, _) -> true);

    assertThat(federation.server.survivors()).contains(site);
    assertThat(Standing.release(vault, book, terms)).isEqualTo(Standing.SPENT);
    assertThat(book.entries).containsExactly("CHARGE");
  }

  @Test
  void anUpdateIsReleasedOnlyWhenNoSessionHoldsIt() {
    federation.runUntil(ServerSession.State.COLLECTING);
    assertThat(Standing.release(vault, book, terms)).isEqualTo(Standing.UNSENT);
    federation.answer(site, SignedView.Kind.SHARES);
    assertThat(Standing.release(vault, book, terms)).isEqualTo(Standing.IN_DOUBT);
    assertThat(book.entries).containsExactly("CHARGE");

    PrivacyBook untouched = Objects.requireNonNull(federation.books.get(federation.sites.get(0)));
    federation.session(federation.sites.get(0)).leave();
    assertThat(Standing.release(federation.vault(federation.sites.get(0)), untouched, terms))
        .isEqualTo(Standing.FREE);
  }

  @Test
  void aPowerCutBetweenProofAndRefundIsMadeGoodByTheSameProof() {
    federation.runUntil(ServerSession.State.VOTING);
    federation.sendMoved(new SessionEvent.Cancelled("no longer wanted"));
    federation.run((_, _) -> true);
    Digest session = federation.server.descriptor().id();
    byte[] proof = federation.server.certificate().orElseThrow().encode();

    for (int write = 0; federation.standing(site) != Standing.FREE; write++) {
      vault.failBeforeWrite(write);
      try {
        Standing.settle(vault, book, session, proof);
      } catch (MemoryVault.PowerLost _) {
        assertThat(federation.standing(site)).isEqualTo(Standing.IN_DOUBT);
      }
      vault.restorePower();
    }
    Standing.settle(vault, PrivacyBook.none(), session, proof);

    assertThat(book.entries).containsExactly("CHARGE", "REFUND Abort");
    Standing.release(vault, book, terms);
    assertThat(book.entries).containsExactly("CHARGE", "REFUND Abort", "RELEASE");
  }
}
