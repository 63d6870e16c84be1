package dev.comity.federation;

import dev.comity.plan.Digest;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// Accounts of people and tokens of programs. Holds hashes, never a password or a token.
public interface AccountStore {

  /// A person who signs in.
  record Account(String username, String passwordHash, Role role) {
    @Override
    public String toString() {
      return "Account[" + username + ", " + role + "]";
    }
  }

  /// A program's right to call.
  ///
  /// @param expiresAt null for a token without end
  record ApiToken(
      UUID id,
      String name,
      Role role,
      String createdBy,
      Instant createdAt,
      @Nullable Instant expiresAt,
      @Nullable Instant lastUsedAt) {}

  Optional<Account> find(String username);

  /// @return false when the account exists already; nothing is changed then
  boolean add(Account account, Instant at);

  void add(ApiToken token, Digest hash);

  /// The token with this hash unless it has expired; notes its use.
  Optional<ApiToken> use(Digest hash, Instant at);

  List<ApiToken> tokens();

  /// @return false when there is no such token
  boolean revoke(UUID token);
}
