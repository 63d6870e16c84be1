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

  /// Which masked inputs a COMMIT certificate counts.
  sealed interface Inputs {}

  /// On the complete graph: each survivor, sorted by site.
  record Listed(List<Header> headers) implements Inputs {
    public Listed {
      headers = List.copyOf(headers);
    }
  }

  /// On a ring: one bit of each place of the roster, the lowest place in the lowest bit of the
  /// first byte, and the Merkle root over the headers.
  record Posted(Bytes survivors, Digest root) implements Inputs {}

  /// T votes for the survivors whose H3 follows from `h2` and `inputs`.
  record Commit(Digest session, Digest h2, Inputs inputs, List<Vote> votes) implements Certificate {
    public Commit {
      votes = List.copyOf(votes);
    }

    /// The certified sites of the session with this descriptor, sorted. Fails with `SessionRefusal`
    /// when the certificate does not fit its roster.
    public List<SiteId> survivors(SessionDescriptor descriptor) {
      List<SessionDescriptor.Seat> roster = descriptor.roster();
      return switch (inputs) {
        case Listed(var headers) -> headers.stream().map(Header::site).toList();
        case Posted(var bitmap, _) ->
            places(bitmap, roster.size()).places().mapToObj(i -> roster.get(i).site()).toList();
      };
    }

    Digest h3(int n) {
      return switch (inputs) {
        case Listed(var headers) -> Chain.h3(h2, headers);
        case Posted(var bitmap, var root) -> Chain.posted(Labels.H3, h2, places(bitmap, n), root);
      };
    }

    private static PlaceSet places(Bytes bitmap, int n) {
      return Refusals.malformed("certificate", () -> PlaceSet.decode(n, bitmap));
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
        CborWriter.map().bytes("session", session().bytes()).maps("votes", votes(), Votes::toCbor);
    return switch (this) {
      case Abort _ -> out.text("choice", Ballot.ABORT.name()).toBytes();
      case Commit commit ->
          inputsToCbor(out, commit.inputs())
              .text("choice", Ballot.COMMIT.name())
              .bytes("h2", commit.h2().bytes())
              .toBytes();
    };
  }

  private static CborWriter inputsToCbor(CborWriter out, Inputs inputs) {
    return switch (inputs) {
      case Listed(var headers) ->
          out.maps(
              "headers",
              headers,
              header ->
                  CborWriter.map()
                      .text("site", header.site().value())
                      .bytes("message", header.message().bytes()));
      case Posted(var survivors, var root) ->
          out.bytes("survivors", survivors).bytes("root", root.bytes());
    };
  }

  private static Inputs inputsFromCbor(CborReader in) {
    return in.has("headers")
        ? new Listed(
            in.maps(
                "headers",
                header ->
                    new Header(
                        new SiteId(header.text("site")),
                        SessionDescriptor.digest(header, "message"))))
        : new Posted(
            in.bytes("survivors", 1, PlaceSet.bytes(GraphRule.MOST_SITES)),
            SessionDescriptor.digest(in, "root"));
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
    List<Vote> votes = in.maps("votes", Votes::fromCbor);
    return switch (Ballot.valueOf(in.text("choice"))) {
      case ABORT -> new Abort(session, votes);
      case COMMIT ->
          new Commit(session, SessionDescriptor.digest(in, "h2"), inputsFromCbor(in), votes);
    };
  }
}
