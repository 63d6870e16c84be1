package dev.comity.accounting;

import java.util.Collection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Who decides:
///
/// - privacy loss distributions where they cover every event, cross-checked by Rényi differential
///   privacy, whose number must not be smaller. Where δ is below the numerical floor of the former,
///   the latter decides;
/// - zero-concentrated differential privacy for the rest, such as noise that sites add together,
///   unless
/// - the events are mixed with Poisson-sampled ones, which it does not cover: then Rényi
///   differential privacy, order by order, for all of them.
///
/// In each case one accountant composes all the events; parts are never accounted for apart and
/// added up.
final class DecidingAccountant implements PrivacyAccountant {
  private static final Logger log = LoggerFactory.getLogger(DecidingAccountant.class);

  /// What the pessimistic grid may overstate.
  private static final double SLACK = 1e-3;

  private final PldAccountant pld = new PldAccountant();
  private final RdpAccountant rdp = new RdpAccountant();
  private final ZcdpAccountant zcdp = new ZcdpAccountant();

  @Override
  public boolean covers(PrivacyEvent event) {
    return rdp.covers(event);
  }

  @Override
  public PrivacyLoss epsilon(Collection<? extends PrivacyEvent> events, double delta) {
    if (!events.stream().allMatch(pld::covers)) {
      return withoutPld(events).epsilon(events, delta);
    }
    PrivacyLoss tight = pld.epsilon(events, delta);
    PrivacyLoss check = rdp.epsilon(events, delta);
    if (tight.epsilon() == Double.POSITIVE_INFINITY) {
      return check;
    }
    if (tight.epsilon() > check.epsilon() * (1 + SLACK) + SLACK) {
      log.atWarn()
          .addKeyValue("reason", "PLD %s above RDP %s".formatted(tight.epsilon(), check.epsilon()))
          .log("the accountants disagree; the larger loss counts");
    }
    return tight;
  }

  @Override
  public double delta(Collection<? extends PrivacyEvent> events, double epsilon) {
    return events.stream().allMatch(pld::covers)
        ? pld.delta(events, epsilon)
        : withoutPld(events).delta(events, epsilon);
  }

  private PrivacyAccountant withoutPld(Collection<? extends PrivacyEvent> events) {
    return events.stream().allMatch(zcdp::covers) ? zcdp : rdp;
  }
}
