package dev.comity.simulation;

import static dev.comity.simulation.Violation.Invariant.CHARGED_ON_RECORD;
import static dev.comity.simulation.Violation.Invariant.ENDS;
import static dev.comity.simulation.Violation.Invariant.NO_SURPRISE;
import static dev.comity.simulation.Violation.Invariant.ONE_RELEASE;

import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.SiteId;
import dev.comity.session.Standing;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// One simulated round: sites, aggregator, network and disks of one seed, from the first session to
/// the end of the last.
///
/// First power and network fail and the aggregator does what the scenario says. Then faults stop.
/// An aggregator that was honest all along must then bring the round to its end; of one that lied
/// nothing more is asked, since a liar can always keep a session from ending.
final class Simulation {
  /// What became of a seed.
  record Outcome(
      long seed, Scenario scenario, Trace trace, Tally tally, Optional<Violation> violation) {}

  private static final long PATIENCE = 1_200_000;
  private static final int POWER_OFF_SOMETIMES = 3;

  private final Scenario scenario;
  private final SimulatedFederation federation;
  private final World world;
  private final Observer observer;
  private final Tally tally = new Tally();
  private final Map<SiteId, SiteProcess> sites = new TreeMap<>();
  private final List<SiteId> colluding;
  private final Optional<SiteId> lost;
  private final @Nullable HonestAggregator honest;
  private final Aggregator aggregator;
  private MembershipEpoch membership;

  private Simulation(long seed, Scenario scenario, Equipment equipment) {
    this.scenario = scenario;
    federation = new SimulatedFederation(scenario.n(), scenario.nC(), 3, scenario.rule());
    membership = federation.membership();
    world = new World(seed, true);
    List<SiteId> all = new ArrayList<>(federation.sites());
    Collections.shuffle(all, world.random());
    colluding = all.subList(0, scenario.colluding()).stream().sorted().toList();
    List<SiteId> adverse = new ArrayList<>(colluding);
    lost = scenario.rolledBack() ? Optional.of(all.get(scenario.colluding())) : Optional.empty();
    lost.ifPresent(adverse::add);
    observer = new Observer(federation, adverse);
    if (scenario.lying()) {
      honest = null;
      aggregator =
          new LyingAggregator(
              world, seed, scenario.lies(), federation, observer, colluding, this::toSite, tally);
    } else {
      honest =
          new HonestAggregator(
              world,
              seed,
              federation,
              observer,
              this::toSite,
              tally,
              equipment.aggregatorsDisk(),
              scenario.crashes());
      aggregator = honest;
    }
    for (SiteId site : federation.sites()) {
      if (!colluding.contains(site)) {
        sites.put(
            site,
            new SiteProcess(
                world,
                seed,
                site,
                federation,
                equipment,
                observer,
                tally,
                () -> membership,
                aggregator::receive,
                scenario.crashes()));
      }
    }
    lost.ifPresent(site -> rollBack(Objects.requireNonNull(sites.get(site))));
    world.note(
        "seed %d: %d sites on %s, n_C = %d, colluding %s, lies: %s"
            .formatted(
                seed,
                scenario.n(),
                scenario.rule().graph(scenario.n(), scenario.nC()),
                scenario.nC(),
                colluding,
                scenario.lies()));
  }

  /// Runs a seed with the production code.
  static Outcome run(long seed, int n) {
    return run(seed, Scenario.of(seed, n), Equipment.SOUND);
  }

  static Outcome run(long seed, Scenario scenario, Equipment equipment) {
    Simulation simulation = new Simulation(seed, scenario, equipment);
    Optional<Violation> violation = Optional.empty();
    try {
      simulation.run();
    } catch (Violation found) {
      violation = Optional.of(found);
    } catch (RuntimeException e) {
      violation = Optional.of(new Violation(NO_SURPRISE, "the aggregator fails: " + e, e));
    }
    violation.ifPresent(found -> simulation.world.note("VIOLATION " + found.getMessage()));
    return new Outcome(seed, scenario, simulation.world.trace(), simulation.tally, violation);
  }

  private void toSite(SiteId site, Packet packet) {
    SiteProcess process = sites.get(site);
    if (process != null) {
      world.send(() -> process.receive(packet));
    }
  }

  private void run() {
    if (honest != null) {
      honest.start();
    }
    sites.values().forEach(site -> world.after(world.random().nextInt(5000), site::start));
    long faulty = scenario.faultyMilliseconds();
    for (SiteProcess site : sites.values()) {
      if (world.random().oneIn(POWER_OFF_SOMETIMES)) {
        cutPower(site, world.random().nextInt((int) faulty));
      }
    }
    if (honest != null) {
      HonestAggregator operated = honest;
      if (world.random().oneIn(POWER_OFF_SOMETIMES)) {
        cutPower(operated, world.random().nextInt((int) faulty));
      }
      for (int cancels = world.random().nextInt(4); cancels > 0; cancels--) {
        world.after(world.random().nextInt((int) faulty), operated::cancel);
      }
    }
    boolean over = false;
    while (!over && world.step(faulty)) {
      over = honest != null && lost.isEmpty() && ended(honest);
    }
    world.heal();
    if (honest != null) {
      endWell(honest);
    }
  }

  /// Off for seconds, or until faults stop.
  private void cutPower(Machine machine, long at) {
    world.after(
        at,
        () -> {
          long off =
              world.random().oneIn(2)
                  ? world.random().nextInt(20_000)
                  : Math.max(0, scenario.faultyMilliseconds() - world.now());
          machine.stop(PowerCut.Kind.POWER, off);
        });
  }

  /// Restores the disk of `site` to what it was some time before. Once faults stop the consortium
  /// knows and revokes it.
  private void rollBack(SiteProcess site) {
    int faulty = (int) scenario.faultyMilliseconds();
    long backedUp = world.random().nextInt(faulty / 2);
    long restored = backedUp + world.random().nextInt(faulty / 2);
    SimulatedDisk[] backup = {site.disk().copy()};
    world.after(backedUp, () -> backup[0] = site.disk().stable());
    world.after(
        restored,
        () -> {
          site.stop(PowerCut.Kind.POWER, 1000);
          site.disk().restore(backup[0]);
          world.note(site.name() + " is restored from a backup");
        });
    world.after(
        faulty,
        () -> {
          membership = SimulatedFederation.without(membership, site.id());
          world.note("the consortium revokes " + site.id());
          aggregator.published(membership);
        });
  }

  private void endWell(HonestAggregator server) {
    long end = world.now() + PATIENCE;
    while (!ended(server)) {
      if (stranded(server)) {
        tally.count("sessions stranded by a voter that lost its state");
        world.note("fewer than T voters kept their state: the session waits for ever");
        return;
      }
      if (!world.step(end)) {
        if (lacksShares(server)) {
          tally.count("sessions stranded by a neighbour that lost its state");
          world.note("too few neighbours of a site kept their state: the session waits for ever");
          return;
        }
        throw new Violation(
            ENDS,
            "%d s after the last fault the round has not ended: aggregator %s, sites %s"
                .formatted(
                    PATIENCE / 1000,
                    server.finished() ? "has its sum" : "has no sum",
                    members().stream().map(site -> site.id() + " " + standing(site)).toList()));
      }
    }
    for (SiteProcess site : members()) {
      if (!observer.trusted(site.id())) {
        continue;
      }
      Standing standing = site.endRound();
      boolean released = observer.released(site.id());
      if (standing != (released ? Standing.SPENT : Standing.FREE)) {
        throw new Violation(
            ONE_RELEASE,
            "%s ends %s and its update is%s in a released sum"
                .formatted(site.id(), standing, released ? "" : " not"));
      }
      if (site.booked() != released) {
        throw new Violation(
            CHARGED_ON_RECORD,
            "%s ends with%s a charge and its update is%s in a released sum"
                .formatted(site.id(), site.booked() ? "" : "out", released ? "" : " not"));
      }
    }
  }

  /// Votes and answers have no deadline, so that a session whose voters are T and of which one lost
  /// its state waits for ever. Nothing is released and nothing is charged twice.
  private boolean stranded(HonestAggregator server) {
    return server.up()
        && lost.filter(site -> server.voters().contains(site)).isPresent()
        && server.voters().size() - 1 < server.threshold();
  }

  /// On a ring, where a certified session waits for ever when the one neighbour too many of some
  /// site lost its state. Nothing is released.
  private boolean lacksShares(HonestAggregator server) {
    return server.up()
        && lost.filter(site ->
                server.certified() && observer.needsShares(server.session(), server.voters(), site))
            .isPresent();
  }

  private List<SiteProcess> members() {
    return sites.values().stream().filter(site -> membership.keyOf(site.id()).isPresent()).toList();
  }

  private boolean ended(HonestAggregator server) {
    return server.up()
        && server.finished()
        && members().stream().allMatch(site -> site.up() && settled(site));
  }

  private static boolean settled(SiteProcess site) {
    return switch (site.standing()) {
      case SPENT, FREE -> true;
      case UNSENT, IN_DOUBT -> false;
    };
  }

  private static String standing(SiteProcess site) {
    return site.up() ? site.standing().name() : "off";
  }
}
