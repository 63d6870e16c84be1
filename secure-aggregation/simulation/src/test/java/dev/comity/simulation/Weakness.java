package dev.comity.simulation;

import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import dev.comity.session.CarelessSite;
import dev.comity.session.Certificate;
import dev.comity.session.GraphRule;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SessionRefusal;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.session.SiteVault;
import dev.comity.update.NoisedUpdate;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/// One defence of the protocol taken out, and the promise that then breaks.
enum Weakness {
  /// P4 without the check that every header carries the voter's own H2: one site is shown another
  /// U2, and of the survivors it shares masks with nobody but those that drop out.
  HEADERS_UNREAD(
      Violation.Invariant.NO_SMALL_SUM,
      splitting(6, 1),
      blind(EnumSet.allOf(SignedView.Kind.class))),

  /// On a ring, a site that does not ask how many neighbours each survivor keeps among them: all
  /// those of one site are left out.
  NEIGHBOURS_UNCOUNTED(
      Violation.Invariant.NO_SMALL_SUM,
      ring(Scenario.Lies.SURVIVORS_CUT_OFF),
      blind(EnumSet.allOf(SignedView.Kind.class))),

  /// On a ring, a site that answers a certificate without asking for T RELEASEs.
  RELEASES_UNCOUNTED(
      Violation.Invariant.NO_RESULT_BESIDE_ABORT,
      ring(Scenario.Lies.ABORT_BESIDE_ANSWERS),
      blind(EnumSet.of(SignedView.Kind.CERTIFICATE))),

  /// A site that answers P5 with both shares of everybody.
  BOTH_SHARES_REVEALED(
      Violation.Invariant.ONE_SECRET_A_SITE,
      honest(4),
      new Equipment() {
        @Override
        public Answer answer(
            SiteSession.Site site, SiteSession session, SignedView.Kind kind, byte[] view) {
          return kind == SignedView.Kind.CERTIFICATE
              ? new Answer(CarelessSite.revealEverything(site, session), Optional.empty())
              : Equipment.SOUND.answer(site, session, kind, view);
        }
      }),

  /// One more site than n_C is the adversary's.
  MORE_COLLUDE(Violation.Invariant.ONE_CERTIFICATE, lying(7, 0, 2), Equipment.SOUND),

  /// A site that forgets its ABORT goes on to answer a certificate.
  ABORT_FORGOTTEN(
      Violation.Invariant.NO_RESULT_BESIDE_ABORT,
      lying(4, 0, 0),
      vaults(vault -> new Forgetful(vault, Set.of(SiteVault.Item.ABORT)))),

  /// A site that has something else summed than it stored.
  OTHER_UPDATE(
      Violation.Invariant.SUM_OF_THE_CERTIFIED,
      honest(4),
      new Equipment() {
        @Override
        public NoisedUpdate update(SiteId site, NoisedUpdate update) {
          return new SimulatedFederation(9, 0, 3).update(new SiteId("site-00008"));
        }
      }),

  /// A site that lends its update to any number of sessions at once.
  LOCK_FORGOTTEN(
      Violation.Invariant.ONE_RELEASE,
      lyingForLong(4),
      vaults(vault ->
          new ForwardingVault(vault) {
            @Override
            public void lock(Digest terms, Digest session) {
              // Forgotten.
            }

            @Override
            public void unlock(Digest terms, Digest session) {
              // There is none.
            }

            @Override
            public boolean isSpent(Digest terms) {
              return false;
            }
          })),

  /// A site that left a session, gave its update to another and goes on in the first.
  TOMBSTONE_FORGOTTEN(
      Violation.Invariant.ONE_RELEASE,
      lyingForLong(4),
      vaults(vault -> new Forgetful(vault, Set.of(SiteVault.Item.TOMBSTONE)))),

  /// A site that charges nothing.
  CHARGE_WITHOUT_RECORD(
      Violation.Invariant.CHARGED_ON_RECORD,
      honest(4),
      new Equipment() {
        @Override
        public PrivacyBook book(SiteId site, PrivacyBook book) {
          return new Unwritten(book);
        }
      }),

  /// A disk that reports a sync and does none.
  DISK_THAT_LIES(
      Violation.Invariant.CHARGED_ON_RECORD,
      honest(4),
      new Equipment() {
        @Override
        public SimulatedDisk disk() {
          return new SimulatedDisk(false);
        }
      }),

  /// A site that sends its keys before they are on its disk.
  KEYS_SENT_BEFORE_STORED(
      Violation.Invariant.IDENTICAL_BYTES,
      failing(5),
      vaults(vault -> new Forgetful(vault, Set.of(SiteVault.Item.ADVERTISEMENT)))),

  /// A site that votes COMMIT as often as it is asked.
  COMMIT_FORGOTTEN(
      Violation.Invariant.IDENTICAL_BYTES,
      lying(5, 1, 1),
      vaults(vault -> new Forgetful(vault, Set.of(SiteVault.Item.COMMIT)))),

  /// A site that never votes ABORT.
  ABORT_REFUSED(
      Violation.Invariant.ENDS,
      honest(4),
      new Equipment() {
        @Override
        public Answer answer(
            SiteSession.Site site, SiteSession session, SignedView.Kind kind, byte[] view) {
          if (kind == SignedView.Kind.ABORT_PROPOSAL) {
            throw new SessionRefusal(SessionRefusal.Reason.OUT_OF_ORDER, "not this time");
          }
          return Equipment.SOUND.answer(site, session, kind, view);
        }
      }),

  /// An aggregator that acts on events before they are on its disk.
  EVENTS_UNSTORED(
      Violation.Invariant.ENDS,
      honest(4),
      new Equipment() {
        @Override
        public SimulatedDisk aggregatorsDisk() {
          return new SimulatedDisk(false);
        }
      }),

  /// A site whose disk fails.
  DISK_FULL(
      Violation.Invariant.NO_SURPRISE,
      honest(4),
      vaults(vault ->
          new ForwardingVault(vault) {
            @Override
            public long nextCounter() {
              throw new UncheckedIOException(new IOException("the disk is full"));
            }
          }));

  private static final int CRASHES = 300;
  private static final int MILLISECONDS = 60_000;

  final Violation.Invariant broken;
  final Scenario scenario;
  final Equipment equipment;

  Weakness(Violation.Invariant broken, Scenario scenario, Equipment equipment) {
    this.broken = broken;
    this.scenario = scenario;
    this.equipment = equipment;
  }

  /// Of fourteen sites with four neighbours each, three of which give a secret back.
  private static Scenario ring(Scenario.Lies lies) {
    return new Scenario(
        14, 0, new GraphRule(8, 120, 1, 100), 0, false, lies, Integer.MAX_VALUE, MILLISECONDS);
  }

  private static Equipment blind(Set<SignedView.Kind> kinds) {
    return new Equipment() {
      @Override
      public Answer answer(
          SiteSession.Site site, SiteSession session, SignedView.Kind kind, byte[] view) {
        Optional<SignedMessage> blindly =
            kinds.contains(kind)
                ? CarelessSite.answerBlindly(site, session, kind, view)
                : Optional.empty();
        return blindly
            .map(message -> new Answer(message, Optional.empty()))
            .orElseGet(() -> Equipment.SOUND.answer(site, session, kind, view));
      }
    };
  }

  private static Scenario honest(int n) {
    return new Scenario(
        n, 0, GraphRule.STANDARD, 0, false, Scenario.Lies.NONE, CRASHES, MILLISECONDS);
  }

  private static Scenario lying(int n, int nC, int colluding) {
    return scenario(n, nC, colluding, Scenario.Lies.AT_RANDOM);
  }

  private static Scenario lyingForLong(int n) {
    return new Scenario(
        n,
        0,
        GraphRule.STANDARD,
        0,
        false,
        Scenario.Lies.AT_RANDOM,
        Integer.MAX_VALUE,
        4 * MILLISECONDS);
  }

  private static Scenario failing(int n) {
    return new Scenario(
        n, 0, GraphRule.STANDARD, 0, false, Scenario.Lies.AT_RANDOM, CRASHES, MILLISECONDS);
  }

  private static Scenario splitting(int n, int nC) {
    return scenario(n, nC, nC, Scenario.Lies.OTHER_SHARES_TO_ONE);
  }

  private static Scenario scenario(int n, int nC, int colluding, Scenario.Lies lies) {
    return new Scenario(
        n, nC, GraphRule.STANDARD, colluding, false, lies, Integer.MAX_VALUE, MILLISECONDS);
  }

  private static Equipment vaults(UnaryOperator<SiteVault> with) {
    return new Equipment() {
      @Override
      public SiteVault vault(SiteId site, SiteVault vault) {
        return with.apply(vault);
      }
    };
  }

  /// A vault that keeps some items for no longer than its process runs, or not at all.
  private static final class Forgetful extends ForwardingVault {
    private final Set<Item> forgotten;
    private final Map<Digest, byte[]> advertisements = new HashMap<>();

    Forgetful(SiteVault vault, Set<Item> forgotten) {
      super(vault);
      this.forgotten = forgotten;
    }

    @Override
    public void keep(Digest session, Item item, byte[] content) {
      if (item == Item.ADVERTISEMENT && forgotten.contains(item)) {
        advertisements.put(session, content);
      } else if (!forgotten.contains(item)) {
        super.keep(session, item, content);
      }
    }

    @Override
    public Optional<byte[]> kept(Digest session, Item item) {
      if (!forgotten.contains(item)) {
        return super.kept(session, item);
      }
      return item == Item.ADVERTISEMENT
          ? Optional.ofNullable(advertisements.get(session))
          : Optional.empty();
    }
  }

  /// A book in which no charge is entered.
  private record Unwritten(PrivacyBook book) implements PrivacyBook {
    @Override
    public Digest head() {
      return book.head();
    }

    @Override
    public void charge(Digest terms, Digest session) {
      // Not entered.
    }

    @Override
    public void refund(Digest terms, Digest session, Certificate proof) {
      book.refund(terms, session, proof);
    }

    @Override
    public void release(Digest terms) {
      book.release(terms);
    }

    @Override
    public Set<Digest> open() {
      return book.open();
    }
  }
}
