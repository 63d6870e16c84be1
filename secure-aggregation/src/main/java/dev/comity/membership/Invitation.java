package dev.comity.membership;

import dev.comity.codec.Bytes;
import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.codec.MalformedException;
import dev.comity.plan.Digest;
import dev.comity.plan.FederationId;
import dev.comity.plan.SiteId;
import java.net.URI;
import java.security.SecureRandom;
import java.time.Instant;

/// What a site needs to join: where the aggregator's REST interface is, which CA its certificate
/// must chain to (`caPin`, SHA-256 of the CA's SubjectPublicKeyInfo), and whose signatures on
/// memberships to believe. `nonce`, 32 bytes, makes it good for one enrolment. `expiresAt` is whole
/// milliseconds.
public record Invitation(
    FederationId federation,
    SiteId site,
    Bytes nonce,
    Instant expiresAt,
    URI url,
    Digest caPin,
    MessagePublicKey consortium) {
  public static final int NONCE_SIZE = 32;

  private static final int FORMAT = 1;
  private static final int MAX_URL = 1000;

  public Invitation {
    if (nonce.size() != NONCE_SIZE) {
      throw new IllegalArgumentException(
          "an invitation's nonce is %d bytes, found %d".formatted(NONCE_SIZE, nonce.size()));
    }
    if (expiresAt.getNano() % 1_000_000 != 0) {
      throw new IllegalArgumentException(
          "expiresAt %s: must be whole milliseconds".formatted(expiresAt));
    }
    if (!"https".equalsIgnoreCase(url.getScheme())
        || url.getHost() == null
        || url.getRawUserInfo() != null
        || url.toString().length() > MAX_URL) {
      throw new IllegalArgumentException(
          "the aggregator's address must look like https://host:port, without user or password");
    }
  }

  public static Bytes newNonce() {
    byte[] nonce = new byte[NONCE_SIZE];
    new SecureRandom().nextBytes(nonce);
    return Bytes.of(nonce);
  }

  public boolean expired(Instant now) {
    return !now.isBefore(expiresAt);
  }

  byte[] encode() {
    return CborWriter.map()
        .integer("format", FORMAT)
        .text("federation", federation.value())
        .text("site", site.value())
        .bytes("nonce", nonce)
        .integer("expiresAtMs", expiresAt.toEpochMilli())
        .text("url", url.toString())
        .bytes("caPin", caPin.bytes())
        .bytes("consortium", consortium.bytes())
        .toBytes();
  }

  static Invitation decode(byte[] bytes) {
    return CborReader.read(bytes, "Invitation", Invitation::read);
  }

  private static Invitation read(CborReader in) {
    long format = in.integer("format");
    if (format != FORMAT) {
      throw new MalformedException(
          "Invitation.format: %d; this software reads format %d".formatted(format, FORMAT));
    }
    return new Invitation(
        new FederationId(in.text("federation")),
        new SiteId(in.text("site")),
        in.bytes("nonce", NONCE_SIZE),
        Instant.ofEpochMilli(in.integer("expiresAtMs")),
        URI.create(in.text("url")),
        Digest.ofValue(in.bytes("caPin", Digest.SIZE)),
        MessagePublicKey.of(in.bytes("consortium", MessagePublicKey.SIZE)));
  }
}
