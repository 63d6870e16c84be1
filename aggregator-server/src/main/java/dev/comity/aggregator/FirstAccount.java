package dev.comity.aggregator;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import dev.comity.federation.AccountStore;
import dev.comity.federation.AccountStore.Account;
import dev.comity.federation.DataDirectory;
import dev.comity.federation.Role;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Clock;
import java.util.Base64;
import java.util.Set;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.stereotype.Component;

/// Makes the account `admin` when there is none. Its password goes to standard output once and to a
/// file of mode 0600; never into a log.
@Component
final class FirstAccount implements ApplicationRunner {
  private static final String NAME = "admin";

  private final AccountStore accounts;
  private final PasswordEncoder encoder;
  private final DataDirectory directory;
  private final Clock clock;

  FirstAccount(
      AccountStore accounts, PasswordEncoder encoder, DataDirectory directory, Clock clock) {
    this.accounts = accounts;
    this.encoder = encoder;
    this.directory = directory;
    this.clock = clock;
  }

  @Override
  public void run(ApplicationArguments arguments) throws IOException {
    if (accounts.find(NAME).isPresent()) {
      return;
    }
    var secret = new byte[18];
    new SecureRandom().nextBytes(secret);
    var password = Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    write(
        directory.initialPassword(),
        password); // first: an account whose password nobody has helps nobody
    if (accounts.add(
        new Account(NAME, String.valueOf(encoder.encode(password)), Role.ADMIN), clock.instant())) {
      announce(password);
    }
  }

  private static void write(Path file, String password) throws IOException {
    Files.deleteIfExists(file);
    try (var channel =
            FileChannel.open(
                file,
                Set.of(CREATE_NEW, WRITE),
                PosixFilePermissions.asFileAttribute(
                    PosixFilePermissions.fromString("rw-------")));
        var writer = Channels.newWriter(channel, StandardCharsets.UTF_8)) {
      writer.write(password);
      writer.flush();
      channel.force(true);
    }
  }

  /// Standard output on purpose: a logger would keep the password.
  private void announce(String password) {
    System.out.printf(
        "%nAccount %s, password %s%n(shown once; also in %s until you delete it)%n%n",
        NAME, password, directory.initialPassword());
  }
}
