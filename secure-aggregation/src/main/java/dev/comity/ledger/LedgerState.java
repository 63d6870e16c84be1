package dev.comity.ledger;

import dev.comity.accounting.PrivacyEvent;
import dev.comity.plan.Digest;
import dev.comity.session.PrivacyBook;
import java.time.Instant;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// What the entries so far amount to. Confined to one thread.
final class LedgerState {
  private final Map<Digest, Position> open = new LinkedHashMap<>();
  private Digest head = PrivacyBook.EMPTY;
  private long entries;
  private Instant last = Instant.EPOCH;

  /// An update with a reservation; charged once `session` is there.
  record Position(LedgerEntry.Action.Reserve reserve, Optional<Digest> session) {}

  /// @throws IllegalArgumentException when the entry does not follow from the ones before
  void add(LedgerEntry entry) {
    if (entry.number() != entries + 1) {
      throw new IllegalArgumentException(
          "number %d; must be %d".formatted(entry.number(), entries + 1));
    }
    if (!entry.previous().equals(head)) {
      throw new IllegalArgumentException(
          "names %s as the entry before it, which is %s"
              .formatted(entry.previous().abbreviated(), head.abbreviated()));
    }
    if (entry.at().isBefore(last)) {
      throw new IllegalArgumentException(
          "at %s; must not be before %s, the entry before".formatted(entry.at(), last));
    }
    Digest terms = entry.action().terms();
    Optional<Position> position = Optional.ofNullable(open.get(terms));
    switch (entry.action()) {
      case LedgerEntry.Action.Reserve reserve -> {
        require(position.isEmpty(), "reserves for an update that has a reservation");
        open.put(terms, new Position(reserve, Optional.empty()));
      }
      case LedgerEntry.Action.Charge(_, Digest session) -> {
        require(position.isPresent(), "charges an update without a reservation");
        open.put(terms, new Position(position.get().reserve(), Optional.of(session)));
      }
      case LedgerEntry.Action.Refund(_, Digest session, _) -> {
        require(
            position.flatMap(Position::session).filter(session::equals).isPresent(),
            "refunds what is not charged in that session");
        open.put(terms, new Position(position.get().reserve(), Optional.empty()));
      }
      case LedgerEntry.Action.Release _ -> {
        require(position.isPresent(), "releases an update without a reservation");
        open.remove(terms);
      }
    }
    head = entry.digest();
    entries = entry.number();
    last = entry.at();
  }

  private static void require(boolean holds, String fault) {
    if (!holds) {
      throw new IllegalArgumentException(fault);
    }
  }

  /// The entry that says `action` now, or at the time of the last entry if the clock is behind it.
  LedgerEntry next(LedgerEntry.Action action, Instant now) {
    return new LedgerEntry(entries + 1, head, now.isBefore(last) ? last : now, action);
  }

  Digest head() {
    return head;
  }

  long entries() {
    return entries;
  }

  Optional<Instant> lastEntryAt() {
    return entries == 0 ? Optional.empty() : Optional.of(last);
  }

  Optional<Position> position(Digest terms) {
    return Optional.ofNullable(open.get(terms));
  }

  Set<Digest> terms() {
    return Set.copyOf(open.keySet());
  }

  Collection<Position> positions() {
    return List.copyOf(open.values());
  }

  /// What is reserved or charged.
  List<PrivacyEvent> events() {
    return open.values().stream().flatMap(position -> position.reserve().event().stream()).toList();
  }

  /// The same of one study.
  List<PrivacyEvent> events(String study) {
    return open.values().stream()
        .filter(position -> position.reserve().study().equals(study))
        .flatMap(position -> position.reserve().event().stream())
        .toList();
  }

  /// The studies for which something is reserved or charged.
  Set<String> studies() {
    return open.values().stream()
        .map(position -> position.reserve().study())
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
