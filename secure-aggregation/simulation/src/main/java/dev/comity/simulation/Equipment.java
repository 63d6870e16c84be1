package dev.comity.simulation;

import dev.comity.plan.SiteId;
import dev.comity.session.PrivacyBook;
import dev.comity.session.SignedMessage;
import dev.comity.session.SignedView;
import dev.comity.session.SiteSession;
import dev.comity.session.SiteVault;
import dev.comity.update.MaskedUpdate;
import dev.comity.update.NoisedUpdate;
import java.util.Optional;

/// What the machines of a simulation are made of. As it stands: the production code. A test that
/// wants to see an invariant fail takes one defence out.
interface Equipment {
  /// The production code.
  Equipment SOUND = new Equipment() {};

  /// What a site sends.
  record Answer(SignedMessage message, Optional<MaskedUpdate> vector) {}

  /// Of a site.
  default SimulatedDisk disk() {
    return new SimulatedDisk(true);
  }

  /// Of an aggregator that follows the protocol.
  default SimulatedDisk aggregatorsDisk() {
    return new SimulatedDisk(true);
  }

  default SiteVault vault(SiteId site, SiteVault vault) {
    return vault;
  }

  default PrivacyBook book(SiteId site, PrivacyBook book) {
    return book;
  }

  /// The update that `site` stored and has summed.
  default NoisedUpdate update(SiteId site, NoisedUpdate update) {
    return update;
  }

  /// What `site` answers to a view in a session that it opened.
  default Answer answer(
      SiteSession.Site site, SiteSession session, SignedView.Kind kind, byte[] view) {
    return switch (kind) {
      case DESCRIPTOR -> new Answer(session.advertise(), Optional.empty());
      case KEYS -> new Answer(session.share(view), Optional.empty());
      case SHARES -> {
        SiteSession.MaskedInput input = session.mask(view);
        yield new Answer(input.header(), Optional.of(input.update()));
      }
      case HEADERS -> new Answer(session.vote(view), Optional.empty());
      case RELEASE -> new Answer(session.release(view), Optional.empty());
      case CERTIFICATE -> new Answer(session.unmask(view), Optional.empty());
      case ABORT_PROPOSAL -> new Answer(session.abort(view), Optional.empty());
    };
  }
}
