package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Votes, the certificates made of them, and RELEASEs, which are counted like them.
final class Votes {
  private Votes() {}

  static List<Certificate.Vote> of(Collection<SignedMessage> votes) {
    return votes.stream()
        .map(vote -> new Certificate.Vote(vote.sender(), vote.signature()))
        .toList();
  }

  /// Checks that the certificate carries at least T valid votes of distinct sites of the roster.
  /// Whoever relies on a COMMIT for more than the fate of its own update compares its H3 with its
  /// own.
  static void verify(Certificate certificate, Roster roster) {
    if (!certificate.session().equals(roster.session())) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "certificate of session %s; must be of session %s"
              .formatted(certificate.session().abbreviated(), roster.session().abbreviated()));
    }
    Bytes commit = Bytes.of(Ballot.COMMIT.body());
    Bytes abort = Bytes.of(Ballot.ABORT.body());
    switch (certificate) {
      case Certificate.Commit certified ->
          verify(
              "certificate",
              certified.votes(),
              SignedMessage.Phase.VOTE,
              commit,
              certified.h3(roster.size()),
              roster);
      case Certificate.Abort aborted ->
          verify(
              "certificate",
              aborted.votes(),
              SignedMessage.Phase.VOTE,
              abort,
              roster.session(),
              roster);
    }
  }

  /// As `verify`, of T RELEASEs over `h3`.
  static void verifyReleases(List<Certificate.Vote> releases, Digest h3, Roster roster) {
    verify(
        "list of RELEASEs",
        releases,
        SignedMessage.Phase.RELEASE,
        Bytes.of(Ballot.releaseBody()),
        h3,
        roster);
  }

  private static void verify(
      String what,
      List<Certificate.Vote> votes,
      SignedMessage.Phase phase,
      Bytes body,
      Digest preceding,
      Roster roster) {
    Set<SiteId> voters = new HashSet<>();
    for (Certificate.Vote vote : votes) {
      if (!voters.add(vote.site())) {
        throw new SessionRefusal(
            SessionRefusal.Reason.QUORUM, "%s counts %s twice".formatted(what, vote.site()));
      }
    }
    if (voters.size() < roster.threshold()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM,
          "%s of %d votes; must be >= T = %d".formatted(what, voters.size(), roster.threshold()));
    }
    roster.verifyAll(
        votes.stream()
            .map(vote ->
                new SignedMessage(roster.session(), vote.site(), phase, body, vote.signature()))
            .toList(),
        preceding);
  }

  static CborWriter toCbor(Certificate.Vote vote) {
    return CborWriter.map().text("site", vote.site().value()).bytes("signature", vote.signature());
  }

  static Certificate.Vote fromCbor(CborReader in) {
    return new Certificate.Vote(new SiteId(in.text("site")), in.bytes("signature", 64));
  }
}
