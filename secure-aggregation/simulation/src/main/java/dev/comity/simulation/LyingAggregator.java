package dev.comity.simulation;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.SignatureLabel;
import dev.comity.plan.Digest;
import dev.comity.plan.Quorum;
import dev.comity.plan.SiteId;
import dev.comity.session.Certificate;
import dev.comity.session.ForgedSurvivors;
import dev.comity.session.ServerSession;
import dev.comity.session.SessionDescriptor;
import dev.comity.session.SessionEvent;
import dev.comity.session.SessionRefusal;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.session.SiteVault;
import dev.comity.storage.Storage;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import dev.comity.update.SumAccumulator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Function;

/// An aggregator in the hands of the adversary, with the sites that collude with it. It holds its
/// own message key, everything that any site ever sent and the colluding sites' keys and disks.
///
/// It lies by showing different sites different folds of the same session, each made of other
/// messages; by opening sessions beside each other over the same updates; by making up views and
/// certificates, showing old ones again and changing bytes; and by proposing ABORT wherever it
/// likes. What it does when is chance.
final class LyingAggregator implements Aggregator {
  private static final int MOST_FOLDS = 6;
  private static final int MILLISECONDS_BETWEEN_LIES = 900;
  private static final int PATIENCE = 20; // of so many lies it does not tell, one is told again
  private static final Path VAULT = Path.of("/vault");

  private final World world;
  private final long seed;
  private final Scenario.Lies lies;
  private final SimulatedFederation federation;
  private final Observer observer;
  private final List<SiteId> colluding;
  private final BiConsumer<SiteId, Packet> toSites;
  private final Tally tally;
  private final SeededRandom random;

  private final List<Branch> branches = new ArrayList<>();
  private final List<Packet.Shown> shown = new ArrayList<>();
  private final Map<Digest, MaskedUpdate> vectors = new HashMap<>();
  private final List<Certificate> certificates = new ArrayList<>();
  private final List<Mixed> mixed = new ArrayList<>();
  private final Map<SiteId, NoisedUpdate> updates = new HashMap<>();
  private Optional<Split> split = Optional.empty();

  /// What each site is shown, whatever it asks, once a split is made or the ambush laid.
  private Map<SiteId, Packet.Shown> insisted = Map.of();

  /// The session in which it follows the protocol until its moment comes.
  private Optional<Digest> ambush = Optional.empty();

  /// On a ring it bides its time: of many sites few unheard ones or stories that differ soon leave
  /// somebody with too few neighbours, and the session ends before it comes to its certificate.
  private final boolean ring;

  private int attempts;
  private long counter;

  /// One story of a session, and the colluding sites as they are in it.
  private final class Branch {
    private final Fold fold;
    private final Map<SiteId, SimulatedDisk> disks = new TreeMap<>();
    private final Map<SiteId, SiteSession> sessions = new TreeMap<>();

    /// Those whose messages do not count in this phase of this story.
    private final TreeSet<SiteId> unheard = new TreeSet<>();

    Branch(Fold fold) {
      this.fold = fold;
    }

    Branch fork() {
      Branch fork = new Branch(fold.copy());
      disks.forEach((site, disk) -> fork.disks.put(site, disk.copy()));
      return fork;
    }

    void happened(SessionEvent event) {
      if (fold.on(event) instanceof ServerSession.Transition.Moved(var next)) {
        ServerSession.State before = fold.state().state();
        fold.moved(event, next);
        if (next.state() != before) {
          tally.count("a story reaches " + next.state());
          note(
              "story %d of %s: %s to %s"
                  .formatted(
                      branches.indexOf(this), fold.id().abbreviated(), before, next.state()));
          unheard.clear();
          if (!scheming() && random.oneIn(2)) {
            fold.claim().keys().stream()
                .filter(_ -> random.oneIn(ring ? 12 : 4))
                .forEach(unheard::add);
          }
          next.certificate().ifPresent(certificates::add);
          concluded(this);
          if (next.state() == ServerSession.State.SHARING_KEYS) {
            split.ifPresent(LyingAggregator.this::split);
          }
        }
      }
    }

    /// What the colluding sites say in this story.
    void collude() {
      for (SiteId site : colluding) {
        fold.viewFor(site)
            .ifPresent(view -> {
              try {
                Equipment.Answer answer =
                    Equipment.SOUND.answer(
                        colluder(site), session(site, view), view.kind(), view.view());
                happened(new SessionEvent.MessageReceived(answer.message()));
                answer.vector().ifPresent(vector -> stored(site, vector));
              } catch (SessionRefusal refusal) {
                note(
                    "the colluding %s cannot follow story %d: %s"
                        .formatted(site, branches.indexOf(this), refusal.reason()));
              }
            });
      }
    }

    /// Passes when the next phase can begin; otherwise only now and then, which ends the session.
    void deadline() {
      unheard.clear();
      ServerSession.State before = fold.state().state();
      fold.state()
          .deadline()
          .map(SessionEvent.PhaseDeadlinePassed::new)
          .filter(passed ->
              fold.on(passed) instanceof ServerSession.Transition.Moved(var next)
                  && (next.state().ordinal() == before.ordinal() + 1 || random.oneIn(20)))
          .ifPresent(this::happened);
    }

    private SiteSession session(SiteId site, Packet.Shown view) {
      SiteSession known = sessions.get(site);
      if (known == null) {
        known =
            view.kind() == SignedView.Kind.DESCRIPTOR
                ? SiteSession.open(colluder(site), federation.plan(), update(site), view.view())
                : SiteSession.reopen(colluder(site), fold.id(), _ -> Optional.of(update(site)));
        sessions.put(site, known);
      }
      return known;
    }

    private SiteSession.Site colluder(SiteId site) {
      SimulatedDisk disk = disks.computeIfAbsent(site, _ -> new SimulatedDisk(true));
      disk.releaseLocks();
      Storage storage = new Storage(disk);
      StoredBook book = new StoredBook(storage, Path.of("/book"));
      book.reserve(federation.terms());
      try {
        return new SiteSession.Site(
            site,
            SimulatedFederation.key(site),
            1,
            fold.membership(),
            new ForwardingVault(SiteVault.in(storage, VAULT, new byte[32], random)) {
              @Override
              public long nextCounter() {
                return ++counter; // grows in every story
              }
            },
            book,
            0,
            SimulatedFederation.MIN_HONEST,
            federation.rule(),
            world.clock(),
            random);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void stored(SiteId site, MaskedUpdate vector) {
      Digest root = vector.chunkRoot();
      vectors.put(root, vector);
      happened(new SessionEvent.MaskedInputStored(site, root));
    }
  }

  /// One site is shown that `shown` dealt shares, all others that everybody did; `survivors` are
  /// then counted.
  private record Split(
      Digest session, SiteId victim, TreeSet<SiteId> shown, TreeSet<SiteId> survivors) {}

  /// Survivors of several stories put into one view, and who voted for it and released it.
  private record Mixed(
      SessionDescriptor descriptor,
      ForgedSurvivors survivors,
      Claim claim,
      SortedMap<SiteId, Certificate.Vote> votes,
      SortedMap<SiteId, Certificate.Vote> releases) {}

  LyingAggregator(
      World world,
      long seed,
      Scenario.Lies lies,
      SimulatedFederation federation,
      Observer observer,
      List<SiteId> colluding,
      BiConsumer<SiteId, Packet> toSites,
      Tally tally) {
    this.world = world;
    this.seed = seed;
    this.lies = lies;
    this.federation = federation;
    this.observer = observer;
    this.colluding = colluding;
    this.toSites = toSites;
    this.tally = tally;
    this.random = new SeededRandom(seed, "lies");
    this.ring = federation.sites().size() > federation.rule().mostComplete();
    open();
    world.after(MILLISECONDS_BETWEEN_LIES, this::lie);
  }

  private void note(String line) {
    world.note("the liar's " + line);
  }

  private NoisedUpdate update(SiteId site) {
    return updates.computeIfAbsent(site, federation::update);
  }

  private void open() {
    attempts++;
    List<SiteId> roster = new ArrayList<>(federation.sites());
    if (lies == Scenario.Lies.AT_RANDOM && random.oneIn(3)) {
      roster.remove(random.nextInt(roster.size()));
    }
    Quorum quorum =
        new Quorum(roster.size(), federation.plan().nC(), SimulatedFederation.MIN_HONEST);
    SessionDescriptor descriptor =
        HonestAggregator.descriptor(
            federation,
            federation.membership(),
            quorum.reachable()
                    && federation.rule().largest(roster.size(), quorum.nC()) == roster.size()
                ? roster
                : federation.sites(),
            attempts,
            seed,
            previous());
    observer.opened(descriptor);
    branches.add(new Branch(new Fold(descriptor, federation.membership())));
    split =
        lies == Scenario.Lies.OTHER_SHARES_TO_ONE
            ? Optional.of(splitting(descriptor))
            : Optional.empty();
    ambush =
        switch (lies) {
          case SURVIVORS_CUT_OFF, ABORT_BESIDE_ANSWERS -> Optional.of(descriptor.id());
          case NONE, AT_RANDOM, OTHER_SHARES_TO_ONE -> Optional.empty();
        };
    note("session %s begins".formatted(descriptor.id().abbreviated()));
  }

  /// As small as the quorum allows, with as little in common as that allows.
  private Split splitting(SessionDescriptor descriptor) {
    List<SiteId> honest =
        new ArrayList<>(descriptor.roster().stream().map(SessionDescriptor.Seat::site).toList());
    honest.removeAll(colluding);
    Collections.shuffle(honest, random);
    SiteId victim = honest.removeFirst();
    TreeSet<SiteId> shown = new TreeSet<>(List.of(victim));
    colluding.stream().filter(site -> descriptor.indexOf(site).isPresent()).forEach(shown::add);
    TreeSet<SiteId> survivors = new TreeSet<>(shown);
    int least = descriptor.quorum().minSurvivors();
    for (int i = 0; shown.size() < least; i++) {
      shown.add(honest.get(i));
    }
    for (int i = honest.size() - 1; survivors.size() < least; i--) {
      survivors.add(honest.get(i));
    }
    return new Split(descriptor.id(), victim, shown, survivors);
  }

  /// The truth or a lie about a session before.
  private Optional<SessionDescriptor.Previous> previous() {
    if (branches.isEmpty() || random.oneIn(3)) {
      return Optional.empty();
    }
    Digest before = random.pick(branches).fold.id();
    return Optional.of(
        random.nextBoolean()
            ? new SessionDescriptor.Previous.NoMaskedInput(before)
            : new SessionDescriptor.Previous.Aborted(before, before));
  }

  @Override
  public void published(MembershipEpoch next) {
    // It keeps that to itself.
  }

  @Override
  public void receive(Packet packet) {
    switch (packet) {
      case Packet.Hello(var site, var open) -> answer(site, open);
      case Packet.Said(var message, var claim) -> heard(message, claim);
      case Packet.Uploaded(var session, var site, var vector) -> {
        for (Branch branch : List.copyOf(branches)) {
          if (branch.fold.id().equals(session) && !branch.unheard.contains(site)) {
            branch.stored(site, vector);
          }
        }
      }
      case Packet.Shown _, Packet.Ended _ ->
          throw new IllegalArgumentException("a packet for a site");
    }
  }

  private void heard(SignedMessage message, Claim claim) {
    for (Branch branch : List.copyOf(branches)) {
      if (branch.fold.id().equals(message.session())
          && !branch.unheard.contains(message.sender())) {
        branch.happened(new SessionEvent.MessageReceived(message));
      }
    }
    Certificate.Vote said = new Certificate.Vote(message.sender(), message.signature());
    for (Mixed mix : List.copyOf(mixed)) {
      if (mix.claim().headers().equals(claim.headers())) {
        boolean more =
            switch (message.phase()) {
              case VOTE ->
                  !Observer.aborts(message)
                      && mix.votes().putIfAbsent(message.sender(), said) == null;
              case RELEASE -> mix.releases().putIfAbsent(message.sender(), said) == null;
              case ADVERTISE_KEYS, SHARE_KEYS, MASKED_INPUT, UNMASK -> false;
            };
        if (more) {
          certify(mix);
        }
      }
    }
  }

  private void answer(SiteId site, List<Digest> open) {
    for (Digest named : open) {
      if (random.oneIn(2)) {
        continue; // it would rather not settle anything
      }
      certificates.stream()
          .filter(certificate -> certificate.session().equals(named))
          .findFirst()
          .ifPresent(certificate ->
              toSites.accept(site, new Packet.Ended(named, Optional.of(certificate.encode()))));
    }
    if (!insisted.isEmpty()) {
      Optional.ofNullable(insisted.get(site)).ifPresent(view -> show(site, view));
      return;
    }
    List<Packet.Shown> owed =
        toldTo(site).stream()
            .flatMap(branch -> branch.fold.viewFor(site).stream())
            .filter(view -> !scheming() || view.kind() != withheld())
            .toList();
    if (!owed.isEmpty()) {
      boolean any = !scheming() && random.oneIn(4);
      int home = federation.sites().indexOf(site);
      show(site, any ? random.pick(owed) : owed.get(home % owed.size()));
    }
  }

  /// The stories that `site` may hear: while the aggregator splits, one of the two and no other,
  /// and no survivors before it mixes them.
  private List<Branch> toldTo(SiteId site) {
    if (ambush.isPresent()) {
      return stories(ambush.get());
    }
    if (split.isEmpty()) {
      return branches;
    }
    List<Branch> stories = stories(split.get().session());
    return List.of(split.get().victim().equals(site) ? stories.getLast() : stories.getFirst());
  }

  private List<Branch> stories(Digest session) {
    return branches.stream().filter(branch -> branch.fold.id().equals(session)).toList();
  }

  /// Whether it is on the way to something that chance must not disturb.
  private boolean scheming() {
    return split.isPresent() || ambush.isPresent();
  }

  /// What nobody is shown until then.
  private SignedView.Kind withheld() {
    return lies == Scenario.Lies.ABORT_BESIDE_ANSWERS
        ? SignedView.Kind.RELEASE
        : SignedView.Kind.HEADERS;
  }

  private void show(SiteId site, Packet.Shown view) {
    shown.add(view);
    toSites.accept(site, view);
  }

  /// The next step towards the split; whether nothing else may disturb it.
  private boolean split(Split plan) {
    List<Branch> stories = stories(plan.session());
    Branch first = stories.getFirst();
    first.unheard.clear();
    if (stories.size() == 1) {
      if (first.fold.state().state() == ServerSession.State.SHARING_KEYS) {
        branches.add(first.fork());
        tally.count("forks in SHARING_KEYS");
        Branch second = branches.getLast();
        first.fold.claim().keys().stream()
            .filter(site -> !plan.shown().contains(site))
            .forEach(second.unheard::add);
        return true;
      }
      return first.fold.state().state() == ServerSession.State.ADVERTISING_KEYS;
    }
    Branch second = stories.get(1);
    if (second.fold.state().state() == ServerSession.State.SHARING_KEYS) {
      if (second.fold.shares().containsAll(plan.shown())) {
        second.deadline();
      }
      return true;
    }
    SortedMap<SiteId, SignedMessage> chosen = new TreeMap<>(first.fold.headers());
    chosen.remove(plan.victim());
    Optional.ofNullable(second.fold.headers().get(plan.victim()))
        .ifPresent(header -> chosen.put(plan.victim(), header));
    if (chosen.keySet().containsAll(plan.survivors())) {
      chosen.keySet().retainAll(plan.survivors());
      insisted = showMixed(first, chosen);
      split = Optional.empty();
    }
    return true;
  }

  private void lie() {
    world.after(MILLISECONDS_BETWEEN_LIES, this::lie);
    List.copyOf(branches).forEach(Branch::collude);
    if (split.isPresent() && split(split.get())) {
      return;
    }
    if (ambush.isPresent() && waitsInAmbush(ambush.get())) {
      return;
    }
    if (!insisted.isEmpty()) {
      if (random.oneIn(PATIENCE)) {
        insisted = Map.of();
      }
      return;
    }
    if (branches.stream().allMatch(each -> each.fold.state().verdict().isPresent())) {
      open();
    }
    Branch branch = random.pick(branches);
    SiteId site = random.pick(federation.sites());
    switch (random.nextInt(ring ? 40 : 12)) {
      case 0, 1 -> fork(branch);
      case 2, 3, 4, 12, 13, 14, 15 -> branch.deadline();
      case 5 -> {
        if (random.oneIn(4)) {
          branch.happened(new SessionEvent.Cancelled("it suits the adversary"));
        }
      }
      case 6 -> {
        branches.removeIf(each -> each.fold.state().verdict().isPresent() && random.oneIn(2));
        if (branches.isEmpty() || branches.size() < MOST_FOLDS && random.oneIn(6)) {
          open();
        }
      }
      case 7 -> {
        if (!shown.isEmpty()) {
          toSites.accept(site, random.pick(shown));
        }
      }
      case 8 -> {
        if (!shown.isEmpty()) {
          toSites.accept(site, changed(random.pick(shown)));
        }
      }
      case 9 -> {
        if (!certificates.isEmpty()) {
          Certificate certificate = random.pick(certificates);
          toSites.accept(
              site,
              new Packet.Ended(
                  random.oneIn(3) ? random.pick(branches).fold.id() : certificate.session(),
                  Optional.of(forged(certificate).encode())));
        }
      }
      case 10 -> mix(branch.fold.id());
      case 11 -> proposeAbort(branch, site);
      default -> {
        // Not now.
      }
    }
  }

  private void fork(Branch branch) {
    if (branches.size() < MOST_FOLDS && branch.fold.state().verdict().isEmpty()) {
      tally.count("forks in " + branch.fold.state().state());
      note(
          "session %s gets another story in %s"
              .formatted(branch.fold.id().abbreviated(), branch.fold.state().state()));
      branches.add(branch.fork());
      Branch fork = branches.getLast();
      fork.fold.claim().keys().stream().filter(_ -> random.oneIn(3)).forEach(fork.unheard::add);
    }
  }

  private Packet.Shown changed(Packet.Shown view) {
    byte[] bytes = view.view().clone();
    bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    return new Packet.Shown(view.kind(), bytes, view.claim());
  }

  /// With fewer votes, with a vote twice, or as it is.
  private Certificate forged(Certificate certificate) {
    List<Certificate.Vote> votes = new ArrayList<>(certificate.votes());
    switch (random.nextInt(3)) {
      case 0 -> votes.removeLast();
      case 1 -> votes.set(0, votes.getLast());
      default -> {
        // As it is.
      }
    }
    return switch (certificate) {
      case Certificate.Abort abort -> new Certificate.Abort(abort.session(), votes);
      case Certificate.Commit commit ->
          new Certificate.Commit(commit.session(), commit.h2(), commit.inputs(), votes);
    };
  }

  /// In whatever state the session is.
  private void proposeAbort(Branch branch, SiteId site) {
    if (random.oneIn(4)) {
      show(site, abortProposal(branch.fold.claim()));
    }
  }

  private static Packet.Shown abortProposal(Claim claim) {
    byte[] document =
        CborWriter.map()
            .text("kind", SignedView.Kind.ABORT_PROPOSAL.name())
            .bytes("session", claim.session().bytes())
            .map("content", CborWriter.map().text("reason", "it suits the adversary"))
            .toBytes();
    byte[] signature =
        SimulatedFederation.aggregator().sign(SignatureLabel.ABORT_PROPOSAL, document);
    return new Packet.Shown(
        SignedView.Kind.ABORT_PROPOSAL,
        new SignedView(Bytes.of(document), Bytes.of(signature)).encode(),
        claim);
  }

  /// Shows everybody one set of survivors whose headers come from several stories: the sites were
  /// shown different U2.
  private void mix(Digest session) {
    SortedMap<SiteId, SignedMessage> headers = new TreeMap<>();
    Branch some = random.pick(branches);
    for (Branch branch : branches) {
      if (branch.fold.id().equals(session) && !branch.fold.headers().isEmpty()) {
        some = branch;
        branch
            .fold
            .headers()
            .forEach((site, header) -> {
              if (random.nextBoolean() || !headers.containsKey(site)) {
                headers.put(site, header);
              }
            });
      }
    }
    int most = headers.size() - some.fold.state().descriptor().quorum().minSurvivors();
    if (headers.isEmpty() || most < 0) {
      return;
    }
    for (int i = 0; i < most && random.nextBoolean(); i++) {
      headers.remove(random.pick(List.copyOf(headers.keySet())));
    }
    showMixed(some, headers);
  }

  /// Shows everybody these survivors, whatever became of them in `some` story.
  private Map<SiteId, Packet.Shown> showMixed(
      Branch some, SortedMap<SiteId, SignedMessage> headers) {
    Digest session = some.fold.id();
    List<SignedMessage> survivors = List.copyOf(headers.values());
    Claim claim =
        new Claim(
            session,
            some.fold.claim().keys(),
            some.fold.shares(),
            new TreeSet<>(headers.keySet()),
            Fold.headersDigest(survivors));
    note("session %s gets mixed survivors %s".formatted(session.abbreviated(), headers.keySet()));
    Mixed mix =
        new Mixed(
            some.fold.state().descriptor(),
            forged(some, survivors),
            claim,
            new TreeMap<>(),
            new TreeMap<>());
    for (SiteId site : colluding) {
      if (claim.shares().contains(site)) {
        say(mix, site, SignedMessage.Phase.VOTE, mix.votes());
        say(mix, site, SignedMessage.Phase.RELEASE, mix.releases());
      }
    }
    mixed.add(mix);
    tally.count("mixed survivors");
    return showEach(SignedView.Kind.HEADERS, claim, mix.survivors()::headersView);
  }

  private static void say(
      Mixed mix, SiteId site, SignedMessage.Phase phase, Map<SiteId, Certificate.Vote> said) {
    said.put(site, mix.survivors().signed(site, phase, SimulatedFederation.key(site)));
  }

  private ForgedSurvivors forged(Branch story, Collection<SignedMessage> headers) {
    return new ForgedSurvivors(
        story.fold.state().descriptor(),
        federation.membership(),
        story.fold.advertisements().values(),
        headers,
        SimulatedFederation.aggregator());
  }

  private Map<SiteId, Packet.Shown> showEach(
      SignedView.Kind kind, Claim claim, Function<SiteId, byte[]> view) {
    Map<SiteId, Packet.Shown> each = new TreeMap<>();
    for (SiteId site : claim.keys()) {
      each.put(site, new Packet.Shown(kind, view.apply(site), claim));
    }
    each.forEach(this::show);
    return each;
  }

  /// With T votes for mixed survivors it asks for their shares, on a ring first for RELEASEs.
  private void certify(Mixed mix) {
    int threshold = mix.descriptor().quorum().threshold();
    if (mix.votes().size() < threshold) {
      return;
    }
    boolean released =
        switch (mix.descriptor().graph()) {
          case SessionDescriptor.Graph.Complete _ -> true;
          case SessionDescriptor.Graph.Regular _ -> mix.releases().size() >= threshold;
        };
    Collection<Certificate.Vote> votes = mix.votes().values();
    Map<SiteId, Packet.Shown> views =
        released
            ? showEach(
                SignedView.Kind.CERTIFICATE,
                mix.claim(),
                site -> mix.survivors().certificateView(site, votes, mix.releases().values()))
            : showEach(
                SignedView.Kind.RELEASE,
                mix.claim(),
                site -> mix.survivors().releaseView(site, votes));
    if (insisted.values().stream().anyMatch(view -> view.claim().equals(mix.claim()))) {
      insisted = views;
    }
  }

  /// The next step towards the ambush in the one story of this session; whether nothing else may
  /// disturb it.
  private boolean waitsInAmbush(Digest session) {
    Branch story = stories(session).getFirst();
    ServerSession.State state = story.fold.state().state();
    switch (state) {
      case ADVERTISING_KEYS, SHARING_KEYS, COLLECTING -> {
        if (random.oneIn(PATIENCE)) {
          story.deadline();
        }
      }
      case VOTING -> {
        if (lies == Scenario.Lies.SURVIVORS_CUT_OFF) {
          cutOff(story);
          ambush = Optional.empty();
        }
      }
      case RELEASING -> {
        besideAbort(story);
        ambush = Optional.empty();
      }
      case UNMASKING, ABORTING, DONE, ABORTED -> ambush = Optional.empty();
    }
    return ambush.isPresent();
  }

  /// Counts one honest site without its honest neighbours, as far as m survivors are left.
  private void cutOff(Branch story) {
    SortedMap<SiteId, SignedMessage> chosen = new TreeMap<>(story.fold.headers());
    chosen.keySet().retainAll(story.fold.shares());
    List<SiteId> honest = new ArrayList<>(chosen.keySet());
    honest.removeAll(colluding);
    SiteId victim = random.pick(honest);
    int least = story.fold.state().descriptor().quorum().minSurvivors();
    for (SiteId partner : partners(story, victim)) {
      if (chosen.size() > least && !colluding.contains(partner)) {
        chosen.remove(partner);
      }
    }
    tally.count("survivors cut off");
    insisted = showMixed(story, chosen);
  }

  /// Asks the honest neighbours of one site for shares without T RELEASEs, as many as leave T
  /// others, and these to vote ABORT.
  private void besideAbort(Branch story) {
    ServerSession state = story.fold.state();
    ForgedSurvivors survivors =
        forged(story, state.survivors().stream().map(story.fold.headers()::get).toList());
    List<SiteId> honest = new ArrayList<>(state.survivors());
    honest.removeAll(colluding);
    TreeSet<SiteId> asked = new TreeSet<>(partners(story, random.pick(honest)));
    asked.retainAll(story.fold.shares());
    int most = story.fold.shares().size() - state.descriptor().quorum().threshold();
    while (asked.size() > most) {
      asked.removeLast();
    }
    List<Certificate.Vote> votes = state.certificate().orElseThrow().votes();
    List<Certificate.Vote> releases =
        colluding.stream()
            .map(site ->
                survivors.signed(site, SignedMessage.Phase.RELEASE, SimulatedFederation.key(site)))
            .toList();
    Claim claim = story.fold.claim();
    Map<SiteId, Packet.Shown> each = new TreeMap<>();
    for (SiteId site : story.fold.shares()) {
      each.put(
          site,
          asked.contains(site)
              ? new Packet.Shown(
                  SignedView.Kind.CERTIFICATE,
                  survivors.certificateView(site, votes, releases),
                  claim)
              : abortProposal(claim));
    }
    each.forEach(this::show);
    insisted = each;
    tally.count("answers asked for beside ABORT");
    note(
        "asks %s for shares in %s and all others to abort"
            .formatted(asked, story.fold.id().abbreviated()));
  }

  private SortedSet<SiteId> partners(Branch story, SiteId site) {
    return ForgedSurvivors.partners(
        story.fold.state().descriptor(),
        federation.membership(),
        story.fold.advertisements().values(),
        site);
  }

  private void concluded(Branch branch) {
    ServerSession state = branch.fold.state();
    state
        .verdict()
        .filter(ServerSession.Verdict.Summed.class::isInstance)
        .ifPresent(_ -> {
          SumAccumulator sum = new SumAccumulator(federation.layout(), 1);
          for (SiteId site : state.survivors()) {
            Digest root = state.headerRoot(site).orElseGet(() -> rootOf(branch, site));
            sum.add(Objects.requireNonNull(vectors.get(root)));
          }
          sum.remove(state.recovery());
          observer.summed(
              branch.fold.id(), state.survivors(), sum.decode(state.survivors().size()));
          tally.count("sums");
          note("session %s has its sum".formatted(branch.fold.id().abbreviated()));
        });
  }

  private static Digest rootOf(Branch branch, SiteId site) {
    return CborReader.read(
        Objects.requireNonNull(branch.fold.headers().get(site)).body().toByteArray(),
        "InputHeader",
        in -> {
          in.bytes("h2", Digest.SIZE);
          return Digest.ofValue(in.bytes("chunkRoot", Digest.SIZE));
        });
  }
}
