package dev.comity.session;

import dev.comity.codec.CborWriter;
import dev.comity.membership.MembershipEpoch;
import dev.comity.membership.MessageKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/// Survivors that a lying aggregator made up of genuine headers, and what it shows of them: views
/// that no state of the protocol gives. It lives in the session's package to reach the pieces of
/// which views are made.
public final class ForgedSurvivors {
  private final KeyList keys;
  private final SortedMap<SiteId, SignedMessage> headers;
  private final MessageKey aggregator;

  /// @param advertisements all that were received, of U1
  /// @param headers of the survivors, at least one
  public ForgedSurvivors(
      SessionDescriptor descriptor,
      MembershipEpoch membership,
      Collection<SignedMessage> advertisements,
      Collection<SignedMessage> headers,
      MessageKey aggregator) {
    this.keys = KeyList.of(Roster.of(descriptor, membership), advertisements);
    this.headers = Collections.unmodifiableSortedMap(Roster.bySender(headers));
    this.aggregator = aggregator;
  }

  /// With whom `site` shares masks and secrets: on the complete graph everybody but itself.
  public static SortedSet<SiteId> partners(
      SessionDescriptor descriptor,
      MembershipEpoch membership,
      Collection<SignedMessage> advertisements,
      SiteId site) {
    KeyList keys = KeyList.of(Roster.of(descriptor, membership), advertisements);
    SortedSet<SiteId> partners = new TreeSet<>();
    for (int place : keys.receivers(site)) {
      partners.add(keys.roster().site(place));
    }
    partners.remove(site);
    return partners;
  }

  /// What `site` is shown in P4.
  public byte[] headersView(SiteId site) {
    return view(SignedView.Kind.HEADERS, shownTo(site));
  }

  /// What `site` is shown on a ring once these voted COMMIT.
  public byte[] releaseView(SiteId site, Collection<Certificate.Vote> votes) {
    return view(
        SignedView.Kind.RELEASE, shownTo(site).bytes("certificate", certificate(votes).encode()));
  }

  /// What `site` is shown in P5, on a ring with these RELEASEs, be they enough or not.
  public byte[] certificateView(
      SiteId site, Collection<Certificate.Vote> votes, Collection<Certificate.Vote> releases) {
    CborWriter content = shownTo(site).bytes("certificate", certificate(votes).encode());
    return view(
        SignedView.Kind.CERTIFICATE,
        keys.onRing().isPresent() ? content.maps("releases", releases, Votes::toCbor) : content);
  }

  /// A site's COMMIT to these survivors, or its RELEASE of them.
  public Certificate.Vote signed(SiteId site, SignedMessage.Phase phase, MessageKey key) {
    byte[] body =
        switch (phase) {
          case VOTE -> Ballot.COMMIT.body();
          case RELEASE -> Ballot.releaseBody();
          case ADVERTISE_KEYS, SHARE_KEYS, MASKED_INPUT, UNMASK ->
              throw new IllegalArgumentException(phase + " is not over survivors alone");
        };
    return new Certificate.Vote(
        site,
        SignedMessage.sign(keys.roster().session(), site, phase, h3(), body, key).signature());
  }

  private Certificate.Commit certificate(Collection<Certificate.Vote> votes) {
    Certificate.Inputs inputs =
        keys.onRing().isPresent()
            ? new Certificate.Posted(board().places().encode(), board().root())
            : new Certificate.Listed(Chain.headers(headers.values()));
    return new Certificate.Commit(keys.roster().session(), h2(), inputs, List.copyOf(votes));
  }

  /// As the first header has it.
  private Digest h2() {
    return InputHeader.of(headers.values().iterator().next()).h2();
  }

  private Digest h3() {
    return keys.onRing().isPresent()
        ? Chain.posted(Labels.H3, h2(), board().places(), board().root())
        : Chain.h3(h2(), Chain.headers(headers.values()));
  }

  private Board board() {
    return Board.of(keys.roster(), headers);
  }

  private CborWriter shownTo(SiteId site) {
    return keys.onRing().isPresent()
        ? board().toCbor(keys.neighbourhood(site))
        : KeyList.messagesToCbor(headers.values());
  }

  private byte[] view(SignedView.Kind kind, CborWriter content) {
    return SignedView.of(kind, keys.roster().session(), content, aggregator).encode();
  }
}
