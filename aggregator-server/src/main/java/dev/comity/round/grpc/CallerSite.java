package dev.comity.round.grpc;

import dev.comity.plan.SiteId;
import io.grpc.Context;

/// The site on whose behalf a call is made, as its client certificate proves it. The interceptor
/// that checks the certificate sets it; a call without it is refused.
public final class CallerSite {

  public static final Context.Key<SiteId> KEY = Context.key("comity-caller-site");

  private CallerSite() {}
}
