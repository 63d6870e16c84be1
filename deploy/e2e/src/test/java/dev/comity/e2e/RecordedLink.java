package dev.comity.e2e;

import dev.comity.codec.Bytes;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/// Records what a site says and hears over gRPC: every message as the bytes that go into TLS or
/// come out of it. Thread-safe.
final class RecordedLink implements ClientInterceptor {
  private final List<Message> sent = new ArrayList<>();
  private final List<Message> received = new ArrayList<>();
  private final Set<String> headers = new TreeSet<>();
  private final Consumer<String> beforeSending;

  /// One message in its wire encoding.
  ///
  /// @param method full name of the gRPC method, `comity.v1.SiteService/Hello`
  record Message(String method, Bytes content) {}

  /// @param beforeSending told the method before one of its messages goes out
  RecordedLink(Consumer<String> beforeSending) {
    this.beforeSending = beforeSending;
  }

  synchronized List<Message> sent() {
    return List.copyOf(sent);
  }

  synchronized List<Message> received() {
    return List.copyOf(received);
  }

  /// Names of the headers that the site itself set.
  synchronized Set<String> headers() {
    return Set.copyOf(headers);
  }

  private <T> void keep(
      List<Message> messages, String method, MethodDescriptor.Marshaller<T> marshaller, T message) {
    try (var stream = marshaller.stream(message)) {
      var content = Bytes.of(stream.readAllBytes());
      synchronized (this) {
        messages.add(new Message(method, content));
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a message cannot be encoded", e);
    }
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(
      MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    String name = method.getFullMethodName();
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<A> listener, Metadata metadata) {
        synchronized (RecordedLink.this) {
          headers.addAll(metadata.keys());
        }
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onMessage(A message) {
                keep(received, name, method.getResponseMarshaller(), message);
                super.onMessage(message);
              }
            },
            metadata);
      }

      @Override
      public void sendMessage(Q message) {
        beforeSending.accept(name);
        keep(sent, name, method.getRequestMarshaller(), message);
        super.sendMessage(message);
      }
    };
  }
}
