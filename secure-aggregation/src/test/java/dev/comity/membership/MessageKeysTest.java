package dev.comity.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MessageKeysTest {
  @TempDir Path folder;

  @Test
  void a_folder_has_one_present_key_ever_until_another_follows() {
    MessageKeys keys = MessageKeys.create(folder);

    assertThat(MessageKeys.create(folder).present().publicKey())
        .isEqualTo(keys.present().publicKey());
    assertThat(keys.next()).isEmpty();
    assertThat(keys.former()).isEmpty();
  }

  @Test
  void a_prepared_key_is_made_once_and_seen_by_another_process() {
    MessageKeys running = MessageKeys.create(folder);

    MessagePublicKey next = MessageKeys.open(folder).prepare().publicKey();

    assertThat(running.next().orElseThrow().publicKey()).isEqualTo(next);
    assertThat(running.prepare().publicKey()).isEqualTo(next);
    assertThat(running.find(next.fingerprint())).isPresent();
  }

  @Test
  void the_prepared_key_follows_when_it_is_listed_and_the_former_stays_until_it_is_erased() {
    MessageKeys keys = MessageKeys.create(folder);
    MessagePublicKey first = keys.present().publicKey();
    MessagePublicKey second = keys.prepare().publicKey();

    assertThat(keys.follow(MessageKey.generate().publicKey())).isFalse();
    assertThat(keys.present().publicKey()).isEqualTo(first);
    assertThat(keys.follow(second)).isTrue();
    assertThat(keys.follow(second)).isTrue();

    MessageKeys reopened = MessageKeys.open(folder);
    assertThat(reopened.present().publicKey()).isEqualTo(second);
    assertThat(reopened.next()).isEmpty();
    assertThat(reopened.former()).containsExactly(first.fingerprint());
    assertThat(reopened.find(first.fingerprint()).orElseThrow().publicKey()).isEqualTo(first);
    assertThat(reopened.follow(first)).isFalse();
    reopened.erase(second.fingerprint());
    reopened.erase(first.fingerprint());
    assertThat(reopened.find(first.fingerprint())).isEmpty();
    assertThat(MessageKeys.open(folder).former()).isEmpty();
    assertThat(MessageKeys.open(folder).present().publicKey()).isEqualTo(second);
  }

  @Test
  void a_power_cut_before_the_change_leaves_the_present_key_and_the_change_is_made_later()
      throws IOException {
    MessageKeys keys = MessageKeys.create(folder);
    MessagePublicKey first = keys.present().publicKey();
    MessagePublicKey second = keys.prepare().publicKey();
    String copy = "message.former-" + first.fingerprint().hex() + ".key";
    Files.copy(folder.resolve("message.key"), folder.resolve(copy)); // the first of its two steps

    MessageKeys after = MessageKeys.open(folder);

    assertThat(after.present().publicKey()).isEqualTo(first);
    assertThat(after.former()).isEmpty();
    assertThat(after.follow(second)).isTrue();
    assertThat(after.former()).containsExactly(first.fingerprint());
  }

  @Test
  void a_draft_that_a_power_cut_left_is_written_anew() throws IOException {
    MessageKeys keys = MessageKeys.create(folder);
    Files.writeString(folder.resolve("message.next.key.new"), "-----BEGIN");

    assertThat(keys.next()).isEmpty();
    assertThat(keys.prepare().publicKey()).isEqualTo(keys.next().orElseThrow().publicKey());
  }

  @Test
  void neither_a_folder_without_a_key_is_opened_nor_a_private_half_told() {
    assertThatThrownBy(() -> MessageKeys.open(folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not exist");
    assertThat(MessageKeys.create(folder).toString()).contains("redacted");
  }
}
