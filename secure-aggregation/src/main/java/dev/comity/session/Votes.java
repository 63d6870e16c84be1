package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Votes and the certificates made of them.
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
    Set<SiteId> voters = new HashSet<>();
    for (Certificate.Vote vote : certificate.votes()) {
      if (!voters.add(vote.site())) {
        throw new SessionRefusal(
            SessionRefusal.Reason.QUORUM, "certificate counts %s twice".formatted(vote.site()));
      }
    }
    if (voters.size() < roster.threshold()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.QUORUM,
          "certificate of %d votes; must be >= T = %d"
              .formatted(voters.size(), roster.threshold()));
    }
    switch (certificate) {
      case Certificate.Commit commit -> verify(commit, Ballot.COMMIT, commit.h3(), roster);
      case Certificate.Abort abort -> verify(abort, Ballot.ABORT, roster.session(), roster);
    }
  }

  private static void verify(
      Certificate certificate, Ballot ballot, Digest preceding, Roster roster) {
    Bytes body = Bytes.of(ballot.body());
    roster.verifyAll(
        certificate.votes().stream()
            .map(vote ->
                new SignedMessage(
                    roster.session(),
                    vote.site(),
                    SignedMessage.Phase.VOTE,
                    body,
                    vote.signature()))
            .toList(),
        preceding);
  }
}
