package dev.comity.agent.participation;

import dev.comity.agent.policy.Verdict;
import dev.comity.agent.protection.Sessions;
import dev.comity.agent.protection.UpdateStore;
import dev.comity.agent.resources.Decision;
import dev.comity.agent.resources.ResourceGate;
import dev.comity.agent.training.Trainer;
import dev.comity.agent.training.TrainingOutcome;
import dev.comity.agent.training.TrainingRefusedException;
import dev.comity.agent.training.TrainingRequest;
import dev.comity.codec.MalformedException;
import dev.comity.ledger.PrivacyLedger;
import dev.comity.ledger.Reservation;
import dev.comity.plan.Digest;
import dev.comity.plan.RunKind;
import dev.comity.plan.SiteId;
import dev.comity.plan.UpdateTerms;
import dev.comity.update.DivergedException;
import dev.comity.update.Metrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// From an offered plan to a stored update: decide, verify the base model, train, protect, report
/// ready. May be interrupted and begun again at any point; an update that is stored is never made
/// anew. Confined to the training thread.
final class RoundWork {
  private static final Logger LOG = LoggerFactory.getLogger(RoundWork.class);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(15);

  private final SiteId site;
  private final OfferCheck check;
  private final MembershipStore memberships;
  private final VerifiedModels models;
  private final UpdateStore updates;
  private final Sessions sessions;
  private final PrivacyLedger ledger;
  private final Trainer trainer;
  private final ResourceGate gate;
  private final StatusBoard status;
  private final CountDownLatch closing;
  private final BaselineFile baseline;
  private final Executor afterwards;
  private final OfferStore offers;
  private final InstantSource clock;

  /// @param afterwards runs what a round leaves to do, beside the training thread; the round's end
  ///   does not interrupt it
  RoundWork(
      SiteId site,
      OfferCheck check,
      OfferStore offers,
      MembershipStore memberships,
      VerifiedModels models,
      UpdateStore updates,
      Sessions sessions,
      PrivacyLedger ledger,
      Trainer trainer,
      ResourceGate gate,
      StatusBoard status,
      CountDownLatch closing,
      BaselineFile baseline,
      Executor afterwards,
      InstantSource clock) {
    this.site = site;
    this.check = check;
    this.memberships = memberships;
    this.models = models;
    this.updates = updates;
    this.sessions = sessions;
    this.ledger = ledger;
    this.trainer = trainer;
    this.gate = gate;
    this.status = status;
    this.closing = closing;
    this.baseline = baseline;
    this.afterwards = afterwards;
    this.offers = offers;
    this.clock = clock;
  }

  /// How the work on an offer ended.
  enum Outcome {
    /// The update is stored and the aggregator knows.
    READY,
    /// The site does not take part in this round.
    OUT,
    /// An officer of this site has not decided: try again when one has.
    WAITS,
    /// The update's fate in an earlier session is open: try again when it is settled.
    IN_DOUBT
  }

  /// Does what `offer` asks for, as far as this site permits it.
  Outcome work(Offer offer, Reports reports) throws InterruptedException {
    var terms = offer.plan().terms();
    Verdict verdict = check.of(offer, memberships.current());
    if (!verdict.reasons().isEmpty()) {
      return refuse(offer, reports, verdict.reasons());
    }
    if (updates.isErased(terms)) {
      return refuse(
          offer,
          reports,
          List.of(
              "spent: this site's update from the same base model was erased, and it makes no"
                  + " second one"));
    }
    Optional<Digest> stored = updates.storedTerms(terms);
    if (stored.isPresent()) {
      switch (sessions.standing(stored.get())) {
        case SPENT -> {
          return refuse(
              offer,
              reports,
              List.of("spent: this site's update from the same base model was summed already"));
        }
        case IN_DOUBT -> {
          show(offer, AgentStatus.Phase.IN_DOUBT, 10, null);
          return Outcome.IN_DOUBT;
        }
        case UNSENT, FREE -> {}
      }
      if (!stored.get().equals(terms.digest())) {
        return refuse(
            offer,
            reports,
            List.of(
                "terms %s: this site holds an update from the same base model under terms %s, and makes no second one"
                    .formatted(terms.digest().abbreviated(), stored.get().abbreviated())));
      }
    }
    if (verdict.officer()) {
      check.ask(offer.plan());
      LOG.atInfo()
          .addKeyValue("run", terms.run())
          .addKeyValue("round", offer.plan().round())
          .log("Round waits for an officer's approval");
      show(offer, AgentStatus.Phase.WAITS_FOR_APPROVAL, 0, null);
      return Outcome.WAITS;
    }
    if (ledger.reserve(terms) instanceof Reservation.OverBudget over) {
      LOG.atWarn()
          .addKeyValue("run", terms.run())
          .addKeyValue("round", offer.plan().round())
          .addKeyValue("epsilon", over.loss().epsilon())
          .log("Privacy budget does not hold this round");
      return refuse(
          offer,
          reports,
          List.of(
              over.study()
                  .map(study ->
                      "privacy: what this site allows study %s does not hold this round; its policy sets studies.epsilon"
                          .formatted(study))
                  .orElse(
                      "privacy: the lifetime budget of this site's data does not hold this round; its policy sets privacy.epsilon")));
    }
    offers.permit(offer);
    if (!reports.permitted()) {
      return Outcome.OUT;
    }
    Optional<Metrics> evaluated = Optional.empty();
    try {
      if (stored.isEmpty()) {
        evaluated = Optional.of(produce(offer, reports));
      }
    } catch (DoesNotFollowException | MalformedException e) {
      return fail(offer, reports, "does-not-follow", String.valueOf(e.getMessage()));
    } catch (DivergedException e) {
      return fail(offer, reports, "diverged", "the update is no longer finite");
    } catch (TrainingRefusedException e) {
      return switch (e.reason()) {
        case DIVERGED -> fail(offer, reports, "diverged", String.valueOf(e.getMessage()));
        case UNSUITABLE -> unsuitable(offer, reports, e);
      };
    } catch (IllegalArgumentException e) {
      LOG.atWarn()
          .addKeyValue("run", terms.run())
          .addKeyValue("round", offer.plan().round())
          .setCause(e)
          .log("Update does not fit the plan");
      return fail(
          offer,
          reports,
          "unsuitable",
          "the update does not fit the plan's limits; the operator finds the reason in the agent's"
              + " log");
    } catch (UncheckedIOException e) {
      if (Thread.interrupted()) {
        throw new InterruptedException("interrupted while storing");
      }
      LOG.atError()
          .addKeyValue("run", terms.run())
          .addKeyValue("round", offer.plan().round())
          .setCause(e)
          .log("Update could not be stored");
      return fail(offer, reports, "disk", "the site's disk failed or is full");
    }
    show(offer, AgentStatus.Phase.READY, 10, null);
    boolean heard = reports.ready(updates.isPartial(terms));
    if (terms.kind() == RunKind.EVALUATE && evaluated.isPresent()) {
      Metrics federated = evaluated.get();
      try {
        afterwards.execute(() -> compareWithAlone(terms, federated));
      } catch (RejectedExecutionException e) {
        LOG.atDebug().addKeyValue("run", terms.run()).log("The agent closes: no local baseline");
      }
    }
    return heard ? Outcome.READY : Outcome.OUT;
  }

  /// Of interest to the site alone: a failure costs the round nothing.
  private void compareWithAlone(UpdateTerms terms, Metrics federated) {
    try {
      baseline.write(terms, federated);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the agent closes
    } catch (TrainingRefusedException | UncheckedIOException e) {
      LOG.atWarn()
          .addKeyValue("run", terms.run())
          .setCause(e)
          .log("Local baseline could not be written");
    }
  }

  /// Trains and stores; gives the base model's evaluation.
  private Metrics produce(Offer offer, Reports reports)
      throws DoesNotFollowException, InterruptedException {
    var terms = offer.plan().terms();
    var tenthsDone = new AtomicInteger();
    var pauses =
        new TrainingGate(
            gate,
            decision -> paused(offer, reports, decision, tenthsDone.get()),
            () -> progressed(offer, reports, tenthsDone.get()));
    Optional<Instant> until =
        terms.partialAllowed() && check.givesPartialWork()
            ? Optional.of(offer.trainUntil())
            : Optional.empty();
    if (until.isPresent()) {
      // What an earlier process saved is given in time also while the gate stays closed.
      pauses.awaitOpen(Duration.between(clock.instant(), until.get()));
    } else {
      pauses.awaitOpen();
    }
    float[] base = verifiedBase(offer);
    show(offer, AgentStatus.Phase.TRAINING, 0, null);
    var whole = new TrainingRequest(terms, site, base, updates.trainingKey(terms, base));
    TrainingOutcome outcome =
        trainer.train(
            until.map(whole::until).orElse(whole),
            tenths -> {
              tenthsDone.set(tenths);
              progressed(offer, reports, tenths);
            },
            pauses);
    updates.protect(terms, base, outcome.update(), outcome.partial());
    trainer.discard(terms.digest());
    return outcome.base();
  }

  private void progressed(Offer offer, Reports reports, int tenths) {
    show(offer, AgentStatus.Phase.TRAINING, tenths, null);
    reports.progress(tenths);
  }

  /// Others are told the first cause and when to expect this site again; never a reading.
  private void paused(Offer offer, Reports reports, Decision decision, int tenths) {
    String reasons =
        decision.reasons().stream()
            .map(reason -> reason.cause().published())
            .distinct()
            .collect(Collectors.joining(", "));
    show(offer, AgentStatus.Phase.PAUSED, tenths, reasons);
    reports.paused(decision.reasons().getFirst().cause().published(), decision.nextWindow());
  }

  private float[] verifiedBase(Offer offer) throws DoesNotFollowException, InterruptedException {
    var backoff = new Backoff(closing);
    while (closing.getCount() > 0) {
      try {
        return models.verify(
            offer.version(), offer.plan().terms().seed(), offer.plan().round() - 1);
      } catch (IOException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException("interrupted while fetching");
        }
        LOG.atDebug()
            .addKeyValue("run", offer.plan().terms().run())
            .setCause(e)
            .log("Base model could not be fetched yet");
        backoff.await(LONGEST_WAIT);
      }
    }
    throw new InterruptedException("the agent closes");
  }

  /// The reason stays here: asked with one limit after another, it would tell how many examples the
  /// site holds.
  private Outcome unsuitable(Offer offer, Reports reports, TrainingRefusedException reason)
      throws InterruptedException {
    LOG.atWarn()
        .addKeyValue("run", offer.plan().terms().run())
        .addKeyValue("round", offer.plan().round())
        .addKeyValue("reason", reason.getMessage())
        .log("Examples do not suit the plan");
    return fail(
        offer,
        reports,
        "unsuitable",
        "this site's examples do not suit the plan; the operator finds the reason in the agent's"
            + " log");
  }

  private Outcome refuse(Offer offer, Reports reports, List<String> reasons)
      throws InterruptedException {
    offers.refuse(offer);
    LOG.atInfo()
        .addKeyValue("run", offer.plan().terms().run())
        .addKeyValue("round", offer.plan().round())
        .addKeyValue("reason", String.join("; ", reasons))
        .log("Round refused");
    show(offer, AgentStatus.Phase.REFUSED, 0, String.join("; ", reasons));
    reports.refused(reasons);
    return Outcome.OUT;
  }

  private Outcome fail(Offer offer, Reports reports, String code, String detail)
      throws InterruptedException {
    LOG.atWarn()
        .addKeyValue("run", offer.plan().terms().run())
        .addKeyValue("round", offer.plan().round())
        .addKeyValue("reason", code + ": " + detail)
        .log("Round failed on this site");
    show(offer, AgentStatus.Phase.FAILED, 0, detail);
    reports.failed(code, detail);
    return Outcome.OUT;
  }

  private void show(
      Offer offer,
      AgentStatus.Phase phase,
      int tenths,
      @org.jspecify.annotations.Nullable String reason) {
    status.round(offer.digest(), offer.plan(), phase, tenths, reason);
  }
}
