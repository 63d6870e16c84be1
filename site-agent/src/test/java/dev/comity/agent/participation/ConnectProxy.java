package dev.comity.agent.participation;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/// A proxy on loopback that tunnels by HTTP `CONNECT` (RFC 9110, section 9.3.6) and notes what it
/// was asked. It knows the one name `aggregator.test`, which is this machine.
final class ConnectProxy implements AutoCloseable {
  static final String NAME = "aggregator.test";

  /// The first line of each request.
  final List<String> requests = new CopyOnWriteArrayList<>();

  /// The first byte of each tunnel: 22 begins a TLS handshake.
  final List<Integer> firstBytes = new CopyOnWriteArrayList<>();

  private final ServerSocket server;
  private final Optional<String> login;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

  /// @param login `user:password` that a request must show, if any
  ConnectProxy(Optional<String> login) throws IOException {
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    this.login =
        login.map(text ->
            "Basic " + Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)));
    Thread.ofVirtual().name("proxy").start(this::accept);
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getLocalPort());
  }

  private void accept() {
    try {
      while (true) {
        var client = server.accept();
        sockets.add(client);
        Thread.ofVirtual().name("tunnel").start(() -> serve(client));
      }
    } catch (SocketException _) {
      return; // closed
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void serve(Socket client) {
    try (client) {
      var head = head(client.getInputStream());
      requests.add(head.getFirst());
      var target = head.getFirst().split(" ")[1];
      if (!head.getFirst().startsWith("CONNECT ")) {
        answer(client, "405 Method Not Allowed");
      } else if (login.isPresent() && !authorized(head)) {
        answer(
            client,
            "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"");
      } else if (!target.startsWith(NAME + ":")) {
        answer(client, "502 Bad Gateway");
      } else {
        tunnel(client, Integer.parseInt(target.substring(NAME.length() + 1)));
      }
    } catch (IOException _) {
      return; // one end hung up
    } finally {
      sockets.remove(client);
    }
  }

  private boolean authorized(List<String> head) {
    return head.stream()
        .map(line -> line.split(": ", 2))
        .anyMatch(field ->
            field[0].equalsIgnoreCase("Proxy-Authorization")
                && field[1].equals(login.orElseThrow()));
  }

  private static List<String> head(InputStream in) throws IOException {
    var text = new StringBuilder();
    while (text.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("no whole request");
      }
      text.append((char) next);
    }
    return text.toString().lines().toList();
  }

  private static void answer(Socket client, String status) throws IOException {
    client
        .getOutputStream()
        .write(
            ("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
  }

  private void tunnel(Socket client, int port) throws IOException {
    try (var target = new Socket(InetAddress.getLoopbackAddress(), port)) {
      sockets.add(target);
      client
          .getOutputStream()
          .write("HTTP/1.1 200 Connection Established\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      Thread.ofVirtual().name("tunnel-back").start(() -> copyQuietly(target, client));
      int first = client.getInputStream().read();
      if (first >= 0) {
        firstBytes.add(first);
        target.getOutputStream().write(first);
        copy(client.getInputStream(), target.getOutputStream());
      }
      sockets.remove(target);
    }
  }

  private static void copyQuietly(Socket from, Socket to) {
    try (from;
        to) {
      copy(from.getInputStream(), to.getOutputStream());
    } catch (IOException _) {
      return; // one end hung up
    }
  }

  private static void copy(InputStream in, OutputStream out) throws IOException {
    in.transferTo(out);
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (var socket : sockets) {
      socket.close();
    }
  }
}
