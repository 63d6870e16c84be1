package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.membership.MembershipEpoch;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// Checks the transcript of an ended session from outside: whoever has it and the membership epoch
/// that it names needs to trust nobody else.
public final class TranscriptVerifier {
  private static final int MOST_DESCRIPTOR_BYTES = 4 << 20;
  private static final int MOST_CERTIFICATE_BYTES = 4 << 20;

  private TranscriptVerifier() {}

  /// What a transcript proves.
  public sealed interface Proven {
    SessionDescriptor descriptor();

    /// T votes for exactly these `survivors`, sorted, whose H3 follows from the published messages.
    /// `votes` counts the votes.
    record Committed(
        SessionDescriptor descriptor,
        List<SiteId> survivors,
        int votes,
        Digest h3,
        Certificate.Commit certificate)
        implements Proven {
      public Committed {
        survivors = List.copyOf(survivors);
      }
    }

    /// Ended without a result, by T votes or, without `certificate`, before any masked input.
    record Aborted(SessionDescriptor descriptor, Optional<Certificate> certificate)
        implements Proven {}
  }

  /// The proof in `transcript`. Every signature of every published message and vote is verified,
  /// H1, H2 and H3 are recomputed, and the certificate must carry T votes of sites that dealt
  /// shares; on a ring there must be T RELEASEs too.
  ///
  /// Fails with `SessionRefusal`, which names what does not hold.
  ///
  /// @param memberships the epoch with a digest, once the consortium's signature is verified
  public static Proven verify(
      byte[] transcript, Function<Digest, Optional<MembershipEpoch>> memberships) {
    return Refusals.malformed(
        "transcript",
        () -> CborReader.read(transcript, "Transcript", in -> verify(in, memberships)));
  }

  private static Proven verify(
      CborReader in, Function<Digest, Optional<MembershipEpoch>> memberships) {
    SessionDescriptor descriptor =
        SessionDescriptor.decode(in.bytes("descriptor", 1, MOST_DESCRIPTOR_BYTES).toByteArray());
    Roster roster = Roster.of(descriptor, membership(descriptor, memberships));
    Optional<Certificate> certificate =
        in.optionalBytes("certificate", 1, MOST_CERTIFICATE_BYTES)
            .map(bytes -> Certificate.decode(bytes.toByteArray()));
    certificate.ifPresent(found -> Votes.verify(found, roster));
    if (!in.has("keys")) {
      certificate.ifPresent(found -> requireAbort(found, descriptor));
      return new Proven.Aborted(descriptor, certificate);
    }
    KeyList keys = in.map("keys", each -> KeyList.fromCbor(roster, each));
    ShareList shares = in.map("shares", each -> ShareList.fromCbor(keys, each));
    HeaderList headers = in.map("headers", each -> HeaderList.fromCbor(shares, each));
    if (certificate.isEmpty() || !(certificate.get() instanceof Certificate.Commit commit)) {
      throw refused("a session with headers has no COMMIT certificate", descriptor);
    }
    if (!commit.h3(roster.size()).equals(headers.h3())) {
      throw refused(
          "the certificate is over H3 %s, the published messages give %s"
              .formatted(commit.h3(roster.size()).abbreviated(), headers.h3().abbreviated()),
          descriptor);
    }
    for (Certificate.Vote vote : commit.votes()) {
      if (!shares.holds(vote.site())) {
        throw refused("a vote of %s, which dealt no shares".formatted(vote.site()), descriptor);
      }
    }
    switch (descriptor.graph()) {
      case SessionDescriptor.Graph.Complete _ -> {}
      case SessionDescriptor.Graph.Regular _ ->
          Votes.verifyReleases(in.maps("releases", Votes::fromCbor), headers.h3(), roster);
    }
    return new Proven.Committed(
        descriptor, headers.survivors(), commit.votes().size(), headers.h3(), commit);
  }

  private static MembershipEpoch membership(
      SessionDescriptor descriptor, Function<Digest, Optional<MembershipEpoch>> memberships) {
    MembershipEpoch epoch =
        memberships
            .apply(descriptor.membership())
            .orElseThrow(() ->
                new SessionRefusal(
                    SessionRefusal.Reason.MISMATCH,
                    "session %s names membership version %d with digest %s, which is not at hand"
                        .formatted(
                            descriptor.id().abbreviated(),
                            descriptor.membershipVersion(),
                            descriptor.membership().abbreviated())));
    if (epoch.version() != descriptor.membershipVersion()
        || !epoch.federation().equals(descriptor.federation())) {
      throw refused(
          "it names membership version %d of federation %s; the digest is of version %d of %s"
              .formatted(
                  descriptor.membershipVersion(),
                  descriptor.federation(),
                  epoch.version(),
                  epoch.federation()),
          descriptor);
    }
    return epoch;
  }

  private static void requireAbort(Certificate certificate, SessionDescriptor descriptor) {
    switch (certificate) {
      case Certificate.Abort _ -> {}
      case Certificate.Commit _ ->
          throw refused("a COMMIT certificate without the messages it is over", descriptor);
    }
  }

  private static SessionRefusal refused(String what, SessionDescriptor descriptor) {
    return new SessionRefusal(
        SessionRefusal.Reason.INCONSISTENT_VIEW,
        "session %s: %s".formatted(descriptor.id().abbreviated(), what));
  }
}
