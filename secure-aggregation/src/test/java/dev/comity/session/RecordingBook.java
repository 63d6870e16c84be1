package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comity.plan.Digest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// A book in memory that checks, at each entry, what the vault holds by then.
final class RecordingBook implements PrivacyBook {
  final List<String> entries = new ArrayList<>();
  private final Map<Digest, Digest> charges = new HashMap<>();
  private final SiteVault vault;
  private boolean exhausted;

  RecordingBook(SiteVault vault) {
    this.vault = vault;
  }

  void exhaust() {
    exhausted = true;
  }

  @Override
  public Digest head() {
    return Digest.of(String.join("\n", entries).getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public void charge(Digest terms, Digest session) {
    assertThat(vault.hasInput(session)).as("a masked vector before its charge").isFalse();
    if (exhausted) {
      throw new SessionRefusal(SessionRefusal.Reason.BUDGET, "nothing is left");
    }
    if (charges.put(terms, session) == null) {
      entries.add("CHARGE");
    }
  }

  @Override
  public void refund(Digest terms, Digest session, Certificate proof) {
    assertThat(vault.locks()).as("the lock outlives the charge").containsEntry(terms, session);
    assertThat(proof.session()).isEqualTo(session);
    if (Objects.equals(charges.get(terms), session)) {
      charges.remove(terms);
      entries.add("REFUND " + proof.getClass().getSimpleName());
    }
  }

  @Override
  public void release(Digest terms) {
    charges.remove(terms);
    entries.add("RELEASE");
  }

  @Override
  public Set<Digest> open() {
    return Set.copyOf(charges.keySet());
  }
}
