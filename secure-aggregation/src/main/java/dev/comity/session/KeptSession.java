package dev.comity.session;

import dev.comity.codec.CborReader;
import dev.comity.codec.CborWriter;
import dev.comity.membership.MessagePublicKey;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// What the vault keeps of a session so that its certificate can be checked after a restart and
/// under a later membership: the roster with its keys, the aggregator's key and who this site is in
/// it.
record KeptSession(Roster roster, MessagePublicKey aggregator, SiteId self) {

  void keepIn(SiteVault vault) {
    Digest session = roster.session();
    vault.keep(session, SiteVault.Item.DESCRIPTOR, roster.descriptor().encode());
    vault.keep(
        session,
        SiteVault.Item.ROSTER_KEYS,
        CborWriter.map()
            .text("self", self.value())
            .bytes("aggregator", aggregator.bytes())
            .maps(
                "sites",
                roster.keys().entrySet(),
                entry ->
                    CborWriter.map()
                        .text("site", entry.getKey().value())
                        .bytes("key", entry.getValue().bytes()))
            .toBytes());
  }

  /// Fails with `SessionRefusal` when the vault knows no such session.
  static KeptSession of(SiteVault vault, Digest session) {
    Optional<byte[]> descriptor = vault.kept(session, SiteVault.Item.DESCRIPTOR);
    Optional<byte[]> keys = vault.kept(session, SiteVault.Item.ROSTER_KEYS);
    if (descriptor.isEmpty() || keys.isEmpty()) {
      throw new SessionRefusal(
          SessionRefusal.Reason.MISMATCH,
          "this site took no part in session " + session.abbreviated());
    }
    return Refusals.malformed(
        "kept session",
        () ->
            CborReader.read(
                keys.get(), "KeptSession", in -> fromCbor(in, session, descriptor.get())));
  }

  private static KeptSession fromCbor(CborReader in, Digest session, byte[] descriptor) {
    SortedMap<SiteId, MessagePublicKey> keys = new TreeMap<>();
    in.maps(
        "sites",
        entry -> {
          SiteId site = new SiteId(entry.text("site"));
          keys.put(site, MessagePublicKey.of(entry.bytes("key", 32)));
          return site;
        });
    return new KeptSession(
        new Roster(SessionDescriptor.decode(descriptor), session, keys),
        MessagePublicKey.of(in.bytes("aggregator", 32)),
        new SiteId(in.text("self")));
  }
}
