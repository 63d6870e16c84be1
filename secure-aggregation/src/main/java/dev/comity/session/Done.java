package dev.comity.session;

import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import dev.comity.update.Mask;
import java.util.List;
import java.util.Optional;

/// Certified and answered: either the masks that remain are known, or a dealer made them
/// unknowable.
record Done(
    Dealing dealing,
    HeaderList headers,
    Certificate.Commit commit,
    Optional<List<Certificate.Vote>> releases,
    Revealed revealed,
    Verdict outcome)
    implements ServerSession {

  Done {
    releases = releases.map(List::copyOf);
  }

  @Override
  public State state() {
    return State.DONE;
  }

  @Override
  public SessionDescriptor descriptor() {
    return dealing.roster().descriptor();
  }

  @Override
  public Transition on(SessionEvent event) {
    return new Transition.Ignored(Transition.Cause.OVER, "the session is done");
  }

  @Override
  public List<Owed> owed() {
    return List.of();
  }

  @Override
  public Optional<SignedView> viewFor(SiteId site, MessageKey aggregator) {
    return Optional.empty();
  }

  @Override
  public Optional<Certificate> certificate() {
    return Optional.of(commit);
  }

  @Override
  public List<SiteId> survivors() {
    return headers.survivors();
  }

  @Override
  public Optional<Verdict> verdict() {
    return Optional.of(outcome);
  }

  @Override
  public List<Mask> recovery() {
    return switch (outcome) {
      case Verdict.Summed _ -> revealed.masks(dealing.keys());
      case Verdict.Burned(_, var reason) -> throw new IllegalStateException("no sum: " + reason);
      case Verdict.Aborted(var reason) -> throw new IllegalStateException("no sum: " + reason);
    };
  }

  @Override
  public byte[] transcript() {
    CborWriter out = CborWriter.map();
    releases.ifPresent(each -> out.maps("releases", each, Votes::toCbor));
    return out.bytes("descriptor", descriptor().encode())
        .map("keys", dealing.keys().toCbor())
        .map("shares", dealing.shares().toCbor())
        .map("headers", headers.toCbor())
        .bytes("certificate", commit.encode())
        .toBytes();
  }
}
