package dev.comity.membership;

import static java.nio.charset.StandardCharsets.UTF_8;

/// What an Ed25519 message key signs. The label and a zero byte precede the signed content, so a
/// signature made for one use is worth nothing in another.
public enum SignatureLabel {
  ENROLMENT("enrolment"),
  MEMBERSHIP("membership"),
  INVITATION("invitation"),
  KEY_SUCCESSION("key-succession"),
  DESCRIPTOR("descriptor"),
  VIEW("view"),
  P1("p1-advertise-keys"),
  P2("p2-share-keys"),
  P3("p3-masked-input"),
  P4("p4-vote"),
  P5("p5-unmask"),
  ABORT_PROPOSAL("abort-proposal"),
  RELEASE("release"),
  AUDIT_HEAD("audit-head"),
  AUDIT_COUNTERSIGNATURE("audit-countersignature"),
  READY("ready");

  private final String text;

  SignatureLabel(String use) {
    this.text = "comity/1/" + use;
  }

  /// UTF-8 of the label, then a zero byte.
  byte[] prefix() {
    return (text + '\0').getBytes(UTF_8);
  }
}
