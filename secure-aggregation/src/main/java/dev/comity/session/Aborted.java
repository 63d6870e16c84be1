package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessageKey;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;

/// Ended without a result: with the proof by T votes, or before anybody could have sent a masked
/// input.
record Aborted(Roster roster, String reason, Optional<Certificate> certificate)
    implements ServerSession {

  @Override
  public State state() {
    return State.ABORTED;
  }

  @Override
  public SessionDescriptor descriptor() {
    return roster.descriptor();
  }

  @Override
  public Transition on(SessionEvent event) {
    return new Transition.Ignored(Transition.Cause.OVER, "the session was aborted: " + reason);
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
  public Optional<Verdict> verdict() {
    return Optional.of(new Verdict.Aborted(reason));
  }

  @Override
  public byte[] transcript() {
    return CborWriter.map()
        .bytes("descriptor", descriptor().encode())
        .bytes("certificate", certificate.map(proof -> Bytes.of(proof.encode())))
        .toBytes();
  }
}
