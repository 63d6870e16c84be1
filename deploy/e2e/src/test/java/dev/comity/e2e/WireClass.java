package dev.comity.e2e;

/// What a field that leaves a site may be about. Every field that a site can send belongs to one.
enum WireClass {
  /// A message that holds classed fields of its own, or none.
  STRUCTURE(false),
  /// The site's public message key, or its fingerprint.
  IDENTITY(false),
  /// What the agent's programme speaks; the same on every site.
  VERSION(false),
  /// The federation epoch that the aggregator said.
  EPOCH(false),
  /// The digest of a document that the aggregator said or sent.
  DOCUMENT_DIGEST(true),
  /// Names of assignments that the aggregator made.
  ASSIGNMENT_ID(false),
  /// Run and round as the aggregator's plans have them.
  POSITION_IN_RUN(false),
  /// Size of a head of the audit log that the aggregator showed.
  LOG_SIZE(false),
  /// A phase of the protocol.
  PHASE(false),
  /// Keys, encrypted shares, hashes and votes, in the deterministic encoding, each classed again.
  SESSION_BODY(true),
  /// Ed25519, deterministic.
  SIGNATURE(true),
  /// Progress of training, 0 to 10.
  PROGRESS_TENTHS(false),
  /// A part of the masked vector.
  MASKED_CHUNK(true),
  /// A code of lower-case words.
  REASON_CODE(false),
  /// A sentence from the agent's own list, about plan and policy alone.
  REASON_TEXT(false),
  /// A choice of two that the protocol asks for.
  FLAG(false),
  /// Waits and offsets of the transport.
  FLOW_CONTROL(false),
  /// When a paused site expects to go on, in whole minutes.
  NEXT_WINDOW(false),
  /// A PKCS#10 request for the site's TLS key.
  CERTIFICATE_REQUEST(true);

  private final boolean random;

  WireClass(boolean random) {
    this.random = random;
  }

  /// Whether its values are random bytes or hold such.
  boolean random() {
    return random;
  }
}
