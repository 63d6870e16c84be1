package dev.comity.simulation;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.comity.plan.Digest;
import dev.comity.session.Certificate;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SessionRefusal;
import dev.comity.storage.Storage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/// A privacy book of one file, replaced whole at each entry, that counts charges and no ε.
final class StoredBook implements PrivacyBook {
  /// Every entry, oldest first: `VERB terms [session]`.
  private static final String RESERVE = "RESERVE";

  private static final String CHARGE = "CHARGE";
  private static final String REFUND = "REFUND";
  private static final String RELEASE = "RELEASE";

  private final Storage storage;
  private final Path file;

  StoredBook(Storage storage, Path file) {
    this.storage = storage;
    this.file = file;
  }

  /// RESERVE, once.
  void reserve(Digest terms) {
    if (lines().isEmpty()) {
      enter(RESERVE + " " + terms.hex());
    }
  }

  @Override
  public Digest head() {
    return content().map(Digest::of).orElse(EMPTY);
  }

  @Override
  public void charge(Digest terms, Digest session) {
    Map<Digest, Optional<Digest>> entries = entries();
    Optional<Digest> charged = entries.get(terms);
    if (charged == null) {
      throw new SessionRefusal(
          SessionRefusal.Reason.BUDGET,
          "nothing is reserved for the update of terms " + terms.abbreviated());
    }
    if (!charged.equals(Optional.of(session))) {
      enter("%s %s %s".formatted(CHARGE, terms.hex(), session.hex()));
    }
  }

  @Override
  public void refund(Digest terms, Digest session, Certificate proof) {
    if (Optional.of(session).equals(entries().get(terms))) {
      enter(REFUND + " " + terms.hex());
    }
  }

  @Override
  public void release(Digest terms) {
    if (entries().containsKey(terms)) {
      enter(RELEASE + " " + terms.hex());
    }
  }

  @Override
  public Set<Digest> open() {
    return entries().keySet();
  }

  /// The session that the charge for `terms` stands for.
  Optional<Digest> chargedTo(Digest terms) {
    Optional<Digest> charged = entries().get(terms);
    return charged == null ? Optional.empty() : charged;
  }

  /// Reserved updates without a session, charged ones with it.
  private Map<Digest, Optional<Digest>> entries() {
    Map<Digest, Optional<Digest>> entries = new TreeMap<>();
    for (String line : lines()) {
      String[] words = line.split(" ", -1);
      Digest terms = Digest.fromHex(words[1]);
      switch (words[0]) {
        case RESERVE, REFUND -> entries.put(terms, Optional.empty());
        case CHARGE -> entries.put(terms, Optional.of(Digest.fromHex(words[2])));
        case RELEASE -> entries.remove(terms);
        default -> throw new IllegalStateException("entry " + line + " in " + file);
      }
    }
    return entries;
  }

  private List<String> lines() {
    return content().map(bytes -> new String(bytes, US_ASCII).lines().toList()).orElse(List.of());
  }

  private void enter(String line) {
    String before = content().map(bytes -> new String(bytes, US_ASCII)).orElse("");
    try {
      storage.write(file, (before + line + "\n").getBytes(US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Optional<byte[]> content() {
    try {
      return storage.read(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
