package dev.comity.agent;

import dev.comity.agent.participation.AgentStatus;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.springframework.web.util.HtmlUtils;

/// What a site's own people see in a browser: HTML alone, no script, nothing from elsewhere.
final class StatusPage {
  private static final String HEAD =
      """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="refresh" content="10">
      <title>%s: site agent</title>
      <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
      table { border-collapse: collapse; width: 100%%; }
      th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ccc; }
      .wrong { border-left: .3rem solid #b00020; padding-left: .8rem; }
      </style>
      </head>
      <body>
      <h1>%s</h1>
      """;

  private StatusPage() {}

  static String of(AgentStatus status) {
    var html = new StringBuilder();
    html.append(HEAD.formatted(escaped(status.site()), escaped(status.site())));
    if (status.auditAlarm() != null) {
      wrong(html, "Audit alarm", status.auditAlarm());
    }
    if (status.problem() != null) {
      wrong(html, "Problem", status.problem());
    }
    html.append("<table>\n");
    facts(status).forEach((name, value) -> row(html, name, value));
    html.append("</table>\n<h2>Rounds</h2>\n");
    if (status.rounds().isEmpty()) {
      html.append("<p>This site is in no round.</p>\n");
    } else {
      html.append("<table>\n<tr><th>Run<th>Round<th>State<th>Progress<th>Reason</tr>\n");
      for (AgentStatus.Round round : status.rounds()) {
        html.append(
            "<tr><td>%s<td>%d<td>%s<td>%d/10<td>%s</tr>\n"
                .formatted(
                    escaped(round.run()),
                    round.round(),
                    words(round.phase()),
                    round.tenths(),
                    round.reason() == null ? "" : escaped(round.reason())));
      }
      html.append("</table>\n");
    }
    return html.append("</body>\n</html>\n").toString();
  }

  private static Map<String, String> facts(AgentStatus status) {
    var facts = new LinkedHashMap<String, String>();
    facts.put("Federation", status.federation());
    facts.put("Place in it", words(status.state()));
    facts.put(
        "Aggregator",
        "%s since %s"
            .formatted(status.connected() ? "connected" : "not connected", status.since()));
    facts.put("Message key", status.fingerprint());
    facts.put(
        "Membership",
        status.membershipExpiresAt() == null
            ? "none seen yet"
            : "version %d until %s"
                .formatted(status.membershipVersion(), status.membershipExpiresAt()));
    facts.put("Resources", resources(status.resources()));
    facts.put("Updates in doubt", Integer.toString(status.inDoubt()));
    facts.put("Audit log", "countersigned up to leaf " + status.auditedSize());
    return facts;
  }

  private static String resources(AgentStatus.Resources resources) {
    String decision =
        "%s since %s%s"
            .formatted(
                resources.decision().toLowerCase(Locale.ROOT),
                resources.since(),
                resources.nextWindow() == null ? "" : ", until about " + resources.nextWindow());
    return resources.reasons().isEmpty()
        ? decision
        : decision + ", because " + String.join("; ", resources.reasons());
  }

  private static void wrong(StringBuilder html, String what, String text) {
    html.append("<p class=\"wrong\"><strong>%s.</strong> %s</p>\n".formatted(what, escaped(text)));
  }

  private static void row(StringBuilder html, String name, String value) {
    html.append("<tr><th scope=\"row\">%s<td>%s</tr>\n".formatted(name, escaped(value)));
  }

  private static String words(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static String escaped(String text) {
    return HtmlUtils.htmlEscape(text, "UTF-8");
  }
}
