package dev.comity.session;

/// What each hash and key of a session is for, so that none can stand for another.
final class Labels {
  static final String H1 = "comity/v1/session/h1";
  static final String H2 = "comity/v1/session/h2";
  static final String H3 = "comity/v1/session/h3";
  static final String SEED_COMMITMENT = "comity/v1/session/self-mask-commitment";
  static final String SHARE_LEAF = "comity/v1/session/share-leaf";
  static final String SEED_SHARE = "comity/v1/session/self-mask-share";
  static final String KEY_SHARE = "comity/v1/session/mask-key-share";
  static final String MASK_SECRET = "comity/v1/session/mask-secret";
  static final String CHANNEL_SECRET = "comity/v1/session/channel-secret";
  static final String SELF_MASK = "comity/v1/session/self-mask";
  static final String GRAPH_RANDOMNESS = "comity/v1/session/graph-randomness";
  static final String COEFFICIENTS = "comity/v1/session/share-coefficients";
  static final String GRAPH = "comity/v1/session/graph";
  static final String POSTED = "comity/v1/session/posted";
  static final String EMPTY_PLACE = "comity/v1/session/empty-place";
  static final String PAIR_MASK = "comity/v1/session/pair-mask";
  static final String CHANNEL = "comity/v1/session/channel";
  static final String VAULT = "comity/v1/vault/sealing";

  private Labels() {}
}
