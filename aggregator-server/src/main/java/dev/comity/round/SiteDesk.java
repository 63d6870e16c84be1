package dev.comity.round;

import dev.comity.membership.MessagePublicKey;
import dev.comity.membership.SignedMembership;
import dev.comity.plan.Digest;
import dev.comity.plan.RunId;
import dev.comity.plan.SiteId;
import dev.comity.session.SignedMessage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Everything that a site may ask of the aggregator. Each method trusts the caller's [SiteId]: the
/// transport has proven it. Methods block; call them on virtual threads.
public interface SiteDesk {

  /// How the federation sees a site.
  enum Standing {
    PENDING,
    ACTIVE,
    REVOKED
  }

  /// What a greeting is answered with. `refusal` is null when the site may go on.
  record Greeting(
      Answer.@Nullable Refused refusal,
      Standing standing,
      long epoch,
      @Nullable SignedMembership membership) {}

  /// First call of a process. The certificates of `openLocks`, sessions that still hold an update
  /// of the site, are its first assignments.
  Greeting greet(
      SiteId site,
      MessagePublicKey key,
      String agentVersion,
      long knownEpoch,
      List<Digest> openLocks);

  /// Whether [#greet] was accepted on behalf of the site since this process began.
  boolean greeted(SiteId site);

  /// The next thing that the site owes and has not `handled`; waits up to `patience` for one.
  Optional<Assignment> next(SiteId site, Set<String> handled, Duration patience)
      throws InterruptedException;

  /// The site's word about its part in a round: one of the events about a single site, whose site
  /// is the caller.
  Answer report(SiteId site, RunId run, int round, Digest plan, RoundEvent event);

  /// One signed session message.
  Answer send(SiteId site, SignedMessage message);

  /// Where the upload of the site's masked vector goes on.
  Upload uploaded(SiteId site, Digest session);

  /// The next bytes of the masked vector, which must begin where [#uploaded] says.
  Upload upload(SiteId site, Digest session, long offset, List<ByteBuffer> bytes)
      throws IOException;

  /// State of an upload. `answer` other than Accepted says why the bytes were not taken.
  record Upload(Answer answer, long offset, boolean complete) {}

  /// Content with this digest from `offset`, if the site is entitled to it.
  Optional<Content> fetch(SiteId site, Digest digest, long offset) throws IOException;

  /// Bytes to send: `totalBytes` of the whole, and the rest of them from the wanted offset.
  record Content(long totalBytes, ReadableByteChannel rest) {}
}
