package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import dev.comity.agent.resources.Source;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import tools.jackson.databind.JsonNode;

/// Instant queries to Prometheus (HTTP API v1, `/api/v1/query`), each for one number.
///
/// Prometheus stamps every answer with the moment of the question, so an exporter that died minutes
/// ago looks fresh. `timestamp(QUERY)` is therefore asked as well; the age is the difference of two
/// times on Prometheus's own clock. That tells the truth for a plain selector; of an expression
/// Prometheus itself knows no age, and it counts as new.
public final class PrometheusSource implements Source {
  private static final double NANOS = 1e9;

  private final JsonEndpoint endpoint;
  private final Map<String, String> queries;
  private final LongSupplier nanos;

  /// @param endpoint Prometheus's own address, without the path of its API
  /// @param queries by the names of the readings
  public PrometheusSource(JsonEndpoint endpoint, Map<String, String> queries, LongSupplier nanos) {
    this.endpoint = endpoint;
    this.queries = Map.copyOf(queries);
    this.nanos = nanos;
  }

  @Override
  public Optional<Set<String>> names() {
    return Optional.of(queries.keySet());
  }

  @Override
  public Map<String, Reading> read() throws IOException, InterruptedException {
    var readings = new HashMap<String, Reading>();
    for (var each : queries.entrySet()) {
      JsonNode data = ask(each.getValue());
      Optional<Sample> value = sample(each.getKey(), data);
      if (value.isEmpty()) {
        continue;
      }
      double age = 0;
      if (data.path("resultType").asString("").equals("vector")) {
        Optional<Sample> stamped =
            sample(each.getKey(), ask("timestamp(%s)".formatted(each.getValue())));
        if (stamped.isEmpty()) {
          continue; // gone between two questions
        }
        age = Math.max(0, stamped.get().at() - stamped.get().value());
      }
      readings.put(
          each.getKey(),
          new Reading(value.get().value(), nanos.getAsLong() - (long) (age * NANOS)));
    }
    return readings;
  }

  private JsonNode ask(String query) throws IOException, InterruptedException {
    JsonNode answer =
        endpoint.get("/api/v1/query?query=" + URLEncoder.encode(query, StandardCharsets.UTF_8));
    if (!answer.path("status").asString("").equals("success")) {
      throw new IOException("Prometheus does not take the query %s".formatted(query));
    }
    return answer.path("data");
  }

  /// @param at seconds since 1970 on Prometheus's clock
  private record Sample(double at, double value) {}

  private static Optional<Sample> sample(String name, JsonNode data) throws IOException {
    JsonNode result = data.path("result");
    JsonNode pair =
        switch (data.path("resultType").asString("")) {
          case "scalar" -> result;
          case "vector" -> {
            if (result.size() > 1) {
              throw new IOException(
                  "query %s gives %d series: narrow it down to one".formatted(name, result.size()));
            }
            yield result.path(0).path("value");
          }
          default -> throw new IOException("query %s: must be an instant query".formatted(name));
        };
    Optional<Double> value = JsonSource.number(pair.path(1));
    return pair.path(0).isNumber()
        ? value.map(number -> new Sample(pair.path(0).doubleValue(), number))
        : Optional.empty();
  }

  @Override
  public void close() {
    endpoint.close();
  }
}
