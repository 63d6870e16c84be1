package dev.comity.demo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;

/// Ports of the loopback address that nobody listened on a moment ago.
final class LoopbackPorts {
  private LoopbackPorts() {}

  /// Different ones: all are held until the last is found.
  static List<Integer> free(int count) {
    var sockets = new ArrayList<ServerSocket>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
      }
      return sockets.stream().map(ServerSocket::getLocalPort).toList();
    } catch (IOException e) {
      throw new DemoFailure("no free port on the loopback address: " + e.getMessage(), e);
    } finally {
      for (var socket : sockets) {
        try {
          socket.close();
        } catch (IOException e) {
          throw new DemoFailure("a port cannot be released: " + e.getMessage(), e);
        }
      }
    }
  }
}
