package dev.comity.agent.resources.source;

import dev.comity.agent.resources.Reading;
import dev.comity.agent.resources.Source;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/// A UPS behind Network UPS Tools' `upsd`, over its TCP protocol (RFC 9271): `USERNAME` and
/// `PASSWORD` where they are given, `LIST VAR`, `LOGOUT`. One short connection a poll.
///
/// | reading | is |
/// |---|---|
/// | `online` | 1 while `ups.status` has the flag OL: the grid feeds the load; else 0 |
/// | `onBattery` | 1 with OB |
/// | `lowBattery` | 1 with LB |
/// | `forcedShutdown` | 1 with FSD |
/// | any variable's own name, as `battery.charge`, `battery.runtime` | its number, where it has one |
public final class NutSource implements Source {
  private static final Map<String, String> FLAGS =
      Map.of("online", "OL", "onBattery", "OB", "lowBattery", "LB", "forcedShutdown", "FSD");
  private static final int MOST_LINES = 2_000;
  private static final int MOST_CHARS = 64 * 1024;

  private final String host;
  private final int port;
  private final String ups;
  private final Optional<Credentials> credentials;
  private final Duration timeout;
  private final LongSupplier nanos;

  /// @param ups the name that `upsc -l` tells
  /// @param credentials of a user in `upsd.users`; upsd lets read without in most places. They
  ///   travel in plain
  public NutSource(
      String host,
      int port,
      String ups,
      Optional<Credentials> credentials,
      Duration timeout,
      LongSupplier nanos) {
    if (!ups.matches("[A-Za-z0-9._-]+")) {
      throw new IllegalArgumentException(
          "ups %s: must be a name of letters, digits, '.', '_' and '-'".formatted(ups));
    }
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port %d: must be 1 to 65535".formatted(port));
    }
    this.host = host;
    this.port = port;
    this.ups = ups;
    this.credentials = credentials;
    this.timeout = timeout;
    this.nanos = nanos;
  }

  @Override
  public Optional<Set<String>> names() {
    return Optional.empty();
  }

  @Override
  public Map<String, Reading> read() throws IOException {
    Map<String, String> variables;
    try (var upsd = new Connection()) {
      variables = upsd.variables();
    } catch (SocketTimeoutException e) {
      throw new IOException("upsd does not answer within %d ms".formatted(timeout.toMillis()), e);
    }
    long now = nanos.getAsLong();
    var readings = new HashMap<String, Reading>();
    variables.forEach(
        (name, value) -> number(value).ifPresent(n -> readings.put(name, new Reading(n, now))));
    String status = variables.get("ups.status");
    if (status != null) {
      var flags = Set.of(status.strip().split("\\s+"));
      FLAGS.forEach(
          (name, flag) -> readings.put(name, new Reading(flags.contains(flag) ? 1 : 0, now)));
    }
    return readings;
  }

  private static Optional<Double> number(String text) {
    try {
      double value = Double.parseDouble(text.strip());
      return Double.isFinite(value) ? Optional.of(value) : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty(); // a model name, a date
    }
  }

  /// A dialogue with upsd that ends by the deadline, however slowly upsd talks.
  private final class Connection implements AutoCloseable {
    private final long end = System.nanoTime() + timeout.toNanos();
    private final Socket socket = new Socket();
    private final BufferedReader in;
    private final OutputStream out;
    private int chars;

    Connection() throws IOException {
      try {
        socket.connect(new InetSocketAddress(host, port), left());
        in =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        out = socket.getOutputStream();
      } catch (IOException e) {
        socket.close();
        throw e;
      }
    }

    Map<String, String> variables() throws IOException {
      if (credentials.isPresent()) {
        expect("USERNAME " + quoted(credentials.get().user()));
        expect("PASSWORD " + quoted(credentials.get().secret()));
      }
      say("LIST VAR " + ups);
      String first = line();
      if (!first.equals("BEGIN LIST VAR " + ups)) {
        throw refused(first);
      }
      var variables = new HashMap<String, String>();
      for (int lines = 0; lines < MOST_LINES; lines++) {
        String line = line();
        if (line.equals("END LIST VAR " + ups)) {
          say("LOGOUT");
          return variables;
        }
        List<String> words = words(line);
        if (words.size() != 4 || !words.get(0).equals("VAR") || !words.get(1).equals(ups)) {
          throw refused(line);
        }
        variables.put(words.get(2), words.get(3));
      }
      throw new IOException("upsd lists more than %d variables".formatted(MOST_LINES));
    }

    private void expect(String command) throws IOException {
      say(command);
      String answer = line();
      if (!answer.startsWith("OK")) {
        throw refused(answer);
      }
    }

    /// upsd's errors are words of its own, as `ERR DATA-STALE`.
    private IOException refused(String line) {
      return new IOException(
          line.startsWith("ERR ")
              ? "upsd answers %s for %s".formatted(line.strip(), ups)
              : "upsd speaks something else than its protocol");
    }

    private void say(String command) throws IOException {
      out.write((command + "\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
    }

    private String line() throws IOException {
      var line = new StringBuilder();
      while (true) {
        socket.setSoTimeout(left());
        int next = in.read();
        if (next < 0) {
          throw new IOException("upsd hung up");
        }
        if (next == '\n') {
          return line.toString();
        }
        if (++chars > MOST_CHARS) {
          throw new IOException("upsd says more than %d characters".formatted(MOST_CHARS));
        }
        line.append((char) next);
      }
    }

    /// Milliseconds to the deadline, at least 1.
    private int left() throws SocketTimeoutException {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new SocketTimeoutException("deadline");
      }
      return (int) Math.min(left, Integer.MAX_VALUE);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private static String quoted(String word) {
    return "\"" + word.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  /// Words between blanks; a quoted one may hold blanks, and `\` takes the next character as it is.
  static List<String> words(String line) {
    var words = new ArrayList<String>();
    var word = new StringBuilder();
    boolean quoted = false;
    boolean begun = false;
    for (int i = 0; i < line.length(); i++) {
      char next = line.charAt(i);
      if (next == '\\' && i + 1 < line.length()) {
        word.append(line.charAt(++i));
        begun = true;
      } else if (next == '"') {
        quoted = !quoted;
        begun = true;
      } else if (next == ' ' && !quoted) {
        if (begun) {
          words.add(word.toString());
        }
        word.setLength(0);
        begun = false;
      } else {
        word.append(next);
        begun = true;
      }
    }
    if (begun) {
      words.add(word.toString());
    }
    return words;
  }
}
