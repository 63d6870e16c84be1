package dev.comity.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comity.codec.Bytes;
import dev.comity.plan.Digest;
import dev.comity.plan.SiteId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Many signatures at once.
class SignatureChecksTest {
  private static final int SITES = 16;
  private static final Federation FEDERATION = new Federation(SITES, 1);
  private static final Roster ROSTER =
      Roster.of(FEDERATION.server.descriptor(), FEDERATION.membership);
  private static final List<SignedMessage> MESSAGES =
      FEDERATION.sites.stream()
          .map(site -> FEDERATION.signed(site, SignedMessage.Phase.VOTE, Ballot.COMMIT.body()))
          .toList();

  private static SignedMessage forged(SignedMessage message) {
    byte[] signature = message.signature().toByteArray();
    signature[3] ^= 1;
    return new SignedMessage(
        message.session(), message.sender(), message.phase(), message.body(), Bytes.of(signature));
  }

  @Test
  void what_every_site_signed_is_accepted_in_any_order() {
    List<SignedMessage> shuffled = new ArrayList<>(MESSAGES);
    Collections.shuffle(shuffled, new Random(1));

    assertThatCode(() -> ROSTER.verifyAll(shuffled, ROSTER.session())).doesNotThrowAnyException();
  }

  /// Five is few and is checked on one core.
  @ParameterizedTest
  @ValueSource(ints = {5, SITES})
  void the_first_bad_one_of_the_roster_is_named_whatever_the_order(int count) {
    for (int seed = 0; seed < 40; seed++) {
      Random random = new Random(seed);
      Set<Integer> bad = random.ints(3, 0, count).boxed().collect(Collectors.toSet());
      List<SignedMessage> shown = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        shown.add(bad.contains(i) ? forged(MESSAGES.get(i)) : MESSAGES.get(i));
      }
      Collections.shuffle(shown, random);
      SiteId first = FEDERATION.sites.get(Collections.min(bad));

      assertThatThrownBy(() -> ROSTER.verifyAll(shown, ROSTER.session()))
          .as("seed %d", seed)
          .isInstanceOfSatisfying(
              SessionRefusal.class,
              refusal ->
                  assertThat(refusal.reason()).isEqualTo(SessionRefusal.Reason.BAD_SIGNATURE))
          .hasMessage(
              "VOTE of %s: its signature does not verify over this session and what came before",
              first);
    }
  }

  @Test
  void a_stranger_among_many_is_named() {
    SignedMessage known = MESSAGES.getFirst();
    List<SignedMessage> shown = new ArrayList<>(MESSAGES);
    shown.add(
        new SignedMessage(
            known.session(),
            new SiteId("a-stranger"),
            known.phase(),
            known.body(),
            known.signature()));

    assertThatThrownBy(() -> ROSTER.verifyAll(shown, ROSTER.session()))
        .hasMessage("a-stranger is not in the session's roster");
  }

  @Test
  void signatures_over_something_else_are_refused() {
    assertThatThrownBy(() -> ROSTER.verifyAll(MESSAGES, Digest.of(new byte[] {1})))
        .hasMessageContaining("VOTE of site-00");
  }
}
