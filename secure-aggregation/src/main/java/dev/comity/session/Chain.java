package dev.comity.session;

import dev.comity.plan.Digest;
import java.util.Collection;
import java.util.List;

/// H1, H2 and H3: each binds the session, everything before and the exact signed messages of one
/// phase, so that two sites that were shown different messages never agree on a later key,
/// signature or vote.
final class Chain {
  private Chain() {}

  static Digest h1(Roster roster, Collection<SignedMessage> advertisements) {
    return link(Labels.H1, roster.session(), headers(advertisements));
  }

  static Digest h2(Digest h1, Collection<SignedMessage> shares) {
    return link(Labels.H2, h1, headers(shares));
  }

  static Digest h3(Digest h2, List<Certificate.Header> headers) {
    return link(Labels.H3, h2, headers);
  }

  /// The H of a phase on a ring: over the bitmap of those who posted and the root over the places.
  static Digest posted(String label, Digest before, PlaceSet places, Digest root) {
    return Digest.of(
        new Transcribed()
            .label(label)
            .digest(before)
            .bytes(places.encode().toByteArray())
            .digest(root)
            .toByteArray());
  }

  /// In the order of the messages.
  static List<Certificate.Header> headers(Collection<SignedMessage> messages) {
    return messages.stream()
        .map(message -> new Certificate.Header(message.sender(), message.digest()))
        .toList();
  }

  /// `entries` sorted by site.
  private static Digest link(String label, Digest before, List<Certificate.Header> entries) {
    Transcribed content = new Transcribed().label(label).digest(before).number(entries.size());
    for (Certificate.Header entry : entries) {
      content.label(entry.site().value()).digest(entry.message());
    }
    return Digest.of(content.toByteArray());
  }
}
