package dev.comity.agent.participation;

import com.google.protobuf.MessageLite;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayOutputStream;
import java.util.Set;
import java.util.TreeSet;

/// Records the plaintext of every message that a site sends, above TLS.
final class Recorder implements ClientInterceptor {
  private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
  private final Set<String> messages = new TreeSet<>();

  synchronized byte[] bytes() {
    return sent.toByteArray();
  }

  synchronized Set<String> messages() {
    return Set.copyOf(messages);
  }

  private synchronized void record(Object message) {
    messages.add(message.getClass().getSimpleName());
    sent.writeBytes(((MessageLite) message).toByteArray());
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    return new ForwardingClientCall.SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void sendMessage(Q message) {
        record(message);
        super.sendMessage(message);
      }
    };
  }
}
