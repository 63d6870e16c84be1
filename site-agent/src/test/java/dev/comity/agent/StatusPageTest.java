package dev.comity.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.agent.participation.AgentStatus;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class StatusPageTest {
  private static final Instant NOW = Instant.parse("2026-11-25T08:00:00Z");

  private static AgentStatus status(@Nullable String problem, List<AgentStatus.Round> rounds) {
    return new AgentStatus(
        "health",
        "s1",
        "ab cd",
        AgentStatus.State.ACTIVE,
        true,
        NOW,
        problem,
        3,
        NOW.plusSeconds(60),
        1,
        42,
        null,
        new AgentStatus.Resources(
            "PAUSE", 1, NOW, NOW.plusSeconds(3600), List.of("battery 20 < 30"), List.of()),
        rounds);
  }

  @Test
  void thePageSaysWhatTheStatusSays() {
    String page =
        StatusPage.of(
            status(
                null,
                List.of(
                    new AgentStatus.Round(
                        "run-1", 2, AgentStatus.Phase.WAITS_FOR_APPROVAL, 0, null))));

    assertThat(page)
        .contains(
            "<h1>s1</h1>",
            "version 3 until 2026-11-25T08:01:00Z",
            "countersigned up to leaf 42",
            "pause since 2026-11-25T08:00:00Z, until about 2026-11-25T09:00:00Z, because battery 20 &lt; 30",
            "<td>run-1<td>2<td>waits for approval<td>0/10<td>")
        .doesNotContain("Problem", "Audit alarm");
  }

  @Test
  void thePageHasNoScriptAndLoadsNothing() {
    assertThat(StatusPage.of(status("p", List.of())))
        .contains("This site is in no round.", "Problem")
        .doesNotContain("<script", "src=", "href=", "http:", "https:", "url(");
  }

  @Test
  void whatComesFromElsewhereIsEscaped() {
    String page =
        StatusPage.of(
            status(
                "<script>alert(1)</script>",
                List.of(
                    new AgentStatus.Round(
                        "r", 1, AgentStatus.Phase.REFUSED, 0, "study <b>\"x\"</b>"))));

    assertThat(page)
        .contains("&lt;script&gt;alert(1)&lt;/script&gt;", "study &lt;b&gt;&quot;x&quot;&lt;/b&gt;")
        .doesNotContain("<script", "<b>");
  }
}
