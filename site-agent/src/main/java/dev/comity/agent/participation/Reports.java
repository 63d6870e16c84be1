package dev.comity.agent.participation;

import com.google.protobuf.UnsafeByteOperations;
import dev.comity.agent.link.AggregatorLink;
import dev.comity.agent.link.LinkException;
import dev.comity.agent.link.RefusedByAggregator;
import dev.comity.protocol.v1.Failed;
import dev.comity.protocol.v1.Paused;
import dev.comity.protocol.v1.Permitted;
import dev.comity.protocol.v1.Progress;
import dev.comity.protocol.v1.Ready;
import dev.comity.protocol.v1.RefusedByPolicy;
import dev.comity.protocol.v1.ReportRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The site's word about one round, said until the aggregator heard it. Confined to one thread.
final class Reports {
  private static final Logger LOG = LoggerFactory.getLogger(Reports.class);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(15);

  private final AggregatorLink link;
  private final CountDownLatch closing;
  private final Offer offer;

  Reports(AggregatorLink link, CountDownLatch closing, Offer offer) {
    this.link = link;
    this.closing = closing;
    this.offer = offer;
  }

  /// False when the aggregator does not take it: the round has ended or goes on without this site.
  boolean permitted() throws InterruptedException {
    return say(about().setPermitted(Permitted.getDefaultInstance()));
  }

  boolean refused(List<String> reasons) throws InterruptedException {
    return say(about().setRefused(RefusedByPolicy.newBuilder().addAllReasons(reasons)));
  }

  boolean ready(boolean partial) throws InterruptedException {
    return say(
        about()
            .setReady(
                Ready.newBuilder()
                    .setPartial(partial)
                    .setTermsDigest(
                        UnsafeByteOperations.unsafeWrap(offer.plan().terms().digest().bytes()))));
  }

  /// @param detail without data
  boolean failed(String code, String detail) throws InterruptedException {
    return say(about().setFailed(Failed.newBuilder().setCode(code).setDetail(detail)));
  }

  /// Says once that this site refuses the session of a round.
  ///
  /// @param reason a stable name
  static void refusedSession(AggregatorLink link, Offer offer, String reason)
      throws LinkException, RefusedByAggregator {
    link.report(
        about(offer).setFailed(Failed.newBuilder().setCode("session").setDetail(reason)).build());
  }

  /// Said once: the next tenth makes up for one that was lost.
  void progress(int tenths) {
    sayOnce(about().setProgress(Progress.newBuilder().setTenths(tenths)));
  }

  /// Said once: it is repeated as long as the pause lasts.
  ///
  /// @param reason one of the published causes
  /// @param until when this site expects to go on, in whole minutes on the wire
  void paused(String reason, Optional<Instant> until) {
    var paused = Paused.newBuilder().setReason(reason);
    until.ifPresent(at -> paused.setExpectedUntilUnixMs(minuteFrom(at).toEpochMilli()));
    sayOnce(about().setPaused(paused));
  }

  /// The first whole minute at or after `at`.
  private static Instant minuteFrom(Instant at) {
    Instant minute = at.truncatedTo(ChronoUnit.MINUTES);
    return minute.equals(at) ? minute : minute.plus(1, ChronoUnit.MINUTES);
  }

  private void sayOnce(ReportRequest.Builder report) {
    try {
      link.report(report.build());
    } catch (LinkException | RefusedByAggregator e) {
      LOG.atDebug()
          .addKeyValue("run", offer.plan().terms().run())
          .addKeyValue("round", offer.plan().round())
          .setCause(e)
          .log("Progress was not heard");
    }
  }

  private boolean say(ReportRequest.Builder report) throws InterruptedException {
    var backoff = new Backoff(closing);
    while (closing.getCount() > 0) {
      try {
        link.report(report.build());
        return true;
      } catch (RefusedByAggregator e) {
        LOG.atInfo()
            .addKeyValue("run", offer.plan().terms().run())
            .addKeyValue("round", offer.plan().round())
            .addKeyValue("reason", e.getMessage())
            .log("Report was not taken");
        return false;
      } catch (LinkException e) {
        if (Thread.interrupted()) {
          throw new InterruptedException("interrupted while reporting");
        }
        backoff.await(LONGEST_WAIT);
      }
    }
    throw new InterruptedException("the agent closes");
  }

  private ReportRequest.Builder about() {
    return about(offer);
  }

  private static ReportRequest.Builder about(Offer offer) {
    return ReportRequest.newBuilder()
        .setRunId(offer.plan().terms().run().toString())
        .setRound(offer.plan().round())
        .setPlanDigest(UnsafeByteOperations.unsafeWrap(offer.digest().bytes()));
  }
}
