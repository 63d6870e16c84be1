package dev.comity.run.postgres;

import dev.comity.audit.Signals;
import dev.comity.plan.SiteId;
import dev.comity.run.Suspensions;
import java.time.Clock;
import java.time.ZoneOffset;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;

@Component
final class PostgresSuspensions implements Suspensions {
  private final JdbcClient database;
  private final Signals signals;
  private final Clock clock;

  PostgresSuspensions(JdbcClient database, Signals signals, Clock clock) {
    this.database = database;
    this.signals = signals;
    this.clock = clock;
  }

  @Override
  public boolean lift(SiteId site, String account, String because) {
    var lifted =
        database
            .sql(
                """
                update suspension set lifted_at = :at, lifted_by = :account, lifted_because = :because
                where site_id = :site and lifted_at is null
                """)
            .param("at", clock.instant().atOffset(ZoneOffset.UTC))
            .param("account", account)
            .param("because", because)
            .param("site", site.value())
            .update();
    signals.signal(Signals.site(site.value()));
    signals.signal(Signals.membership());
    return lifted > 0;
  }
}
