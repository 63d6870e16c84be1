package dev.comity.session;

import dev.comity.membership.MessageKey;
import org.jspecify.annotations.Nullable;

/// The view of the descriptor, which is the same for every site of the roster: it names them all,
/// so it is encoded and signed once for a session and not once for a site.
final class DescriptorView {
  private record Signed(MessageKey by, SignedView view) {}

  private final SessionDescriptor descriptor;
  private volatile @Nullable Signed signed;

  DescriptorView(SessionDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  SignedView by(MessageKey aggregator) {
    Signed known = signed;
    if (known == null || known.by != aggregator) {
      known = new Signed(aggregator, SignedView.descriptor(descriptor, aggregator));
      signed = known;
    }
    return known.view;
  }
}
