package dev.comity.session;

import dev.comity.plan.Digest;
import java.util.Set;

/// Holds nothing, since plans without noise are not accounted for.
enum NoPrivacyBook implements PrivacyBook {
  INSTANCE;

  @Override
  public Digest head() {
    return EMPTY;
  }

  @Override
  public void charge(Digest terms, Digest session) {}

  @Override
  public void refund(Digest terms, Digest session, Certificate proof) {}

  @Override
  public void release(Digest terms) {}

  @Override
  public Set<Digest> open() {
    return Set.of();
  }
}
