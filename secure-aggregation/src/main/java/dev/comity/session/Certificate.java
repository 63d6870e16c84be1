package dev.comity.session;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.List;

/// Proof of how a session ended: the signed votes of at least T sites of its roster. A COMMIT and
/// an ABORT certificate of one session cannot both decide it: T ABORTs leave fewer than T shares of
/// any secret.
public sealed interface Certificate {

  /// One site's signature under its vote; the vote's body is the same for all.
  record Vote(SiteId site, Bytes signature) {}

  /// One survivor and the digest of its signed header: what H3 is made of.
  record Header(SiteId site, Digest message) {}

  /// T votes for the survivors whose H3 follows from `h2` and `headers`, sorted by site.
  record Commit(Digest session, Digest h2, List<Header> headers, List<Vote> votes)
      implements Certificate {
    public Commit {
      headers = List.copyOf(headers);
      votes = List.copyOf(votes);
    }

    /// The certified sites, sorted.
    public List<SiteId> survivors() {
      return headers.stream().map(Header::site).toList();
    }

    Digest h3() {
      return Chain.h3(h2, headers);
    }
  }

  /// T votes to end the session without a result.
  record Abort(Digest session, List<Vote> votes) implements Certificate {
    public Abort {
      votes = List.copyOf(votes);
    }
  }

  Digest session();

  List<Vote> votes();

  default byte[] encode() {
    CborWriter out =
        CborWriter.map()
            .bytes("session", session().bytes())
            .maps(
                "votes",
                votes(),
                vote ->
                    CborWriter.map()
                        .text("site", vote.site().value())
                        .bytes("signature", vote.signature()));
    return switch (this) {
      case Abort _ -> out.text("choice", Ballot.ABORT.name()).toBytes();
      case Commit commit ->
          out.text("choice", Ballot.COMMIT.name())
              .bytes("h2", commit.h2().bytes())
              .maps(
                  "headers",
                  commit.headers(),
                  header ->
                      CborWriter.map()
                          .text("site", header.site().value())
                          .bytes("message", header.message().bytes()))
              .toBytes();
    };
  }

  default Digest digest() {
    return Digest.of(encode());
  }

  /// Fails with `SessionRefusal` when the bytes are no certificate. Verifies no signature.
  static Certificate decode(byte[] bytes) {
    return Refusals.malformed(
        "certificate", () -> CborReader.read(bytes, "Certificate", Certificate::fromCbor));
  }

  private static Certificate fromCbor(CborReader in) {
    Digest session = SessionDescriptor.digest(in, "session");
    List<Vote> votes =
        in.maps(
            "votes", vote -> new Vote(new SiteId(vote.text("site")), vote.bytes("signature", 64)));
    return switch (Ballot.valueOf(in.text("choice"))) {
      case ABORT -> new Abort(session, votes);
      case COMMIT ->
          new Commit(
              session,
              SessionDescriptor.digest(in, "h2"),
              in.maps(
                  "headers",
                  header ->
                      new Header(
                          new SiteId(header.text("site")),
                          SessionDescriptor.digest(header, "message"))),
              votes);
    };
  }
}
