#ifndef COMITY_CLIENT_PROFILE_PROFILE_H_
#define COMITY_CLIENT_PROFILE_PROFILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/crypto/hpke.h"
#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/common/server/credentials.h"
#include "services/common/statement/device_chain.h"
#include "services/common/statement/statement.h"

namespace comity {

// Where the user's own files are: $COMITY_HOME, else $XDG_CONFIG_HOME/comity, else
// ~/.config/comity.
absl::StatusOr<std::string> ComityHome();

// One device of one account, as a private folder: device.key and sealing.key (0600), device.crt,
// and account.json with the statements that the device signed or followed. Losing the folder
// without the recovery code loses the account: no operator can restore it. Move-only, not
// thread-safe.
class Profile final {
 public:
  // Makes keys and the chain's first entry and writes all of it durably BEFORE anything is sent, so
  // that a crash in between loses nothing. STATE_NOT_READY when the folder holds a profile.
  static absl::StatusOr<Profile> Create(const std::string& folder, const std::string& deployment,
                                        UnixMillis now);
  // STORE_UNAVAILABLE (no such profile), STATE_NOT_READY (a key file that others may read),
  // DATA_CORRUPT (account.json, or a device key that is not the account's).
  static absl::StatusOr<Profile> Load(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const PrivateKey& device_key() const { return device_key_; }
  absl::StatusOr<TlsIdentity> Tls() const;
  const AccountId& account() const { return account_; }
  const DeviceChain& chain() const { return chain_; }
  const std::string& deployment() const { return deployment_; }
  // Shown once, by Create(); empty afterwards. Eight groups of four base32 letters, 160 random
  // bits.
  const std::string& recovery_code() const { return recovery_code_; }

  // What the device follows; set by the account library, saved by Save().
  struct Account {
    std::string territory;
    std::string home_region;   // that the device follows
    std::string key_region;    // whose custody has the keys; empty: the home region
    AccountEpoch epoch = 0;    // 0 = not created yet
    uint64_t last_number = 0;  // of device statements
    // By type: the newest device statement of its kind, e.g. "account.consent".
    std::map<std::string, Statement> statements;
    const std::string& custody_region() const {
      return key_region.empty() ? home_region : key_region;
    }
  };
  Account& state() { return state_; }
  const Account& state() const { return state_; }
  absl::Status Save() const;

  // Signs a numbered statement of this account with the next number, remembers it under its type
  // and saves BEFORE returning, so that one number is never used for two statements.
  template <typename Body>
  absl::StatusOr<Statement> Sign(const Body& body, UnixMillis now, UnixMillis expiry = 0) {
    Envelope envelope;
    envelope.deployment = deployment_;
    envelope.subject = std::string(account_.bytes());
    envelope.number = state_.last_number + 1;
    envelope.time = now;
    envelope.expiry = expiry;
    Statement statement = SignStatement(envelope, body, device_key_);
    state_.last_number = envelope.number;
    state_.statements[std::string(Body::kType)] = statement;
    if (absl::Status s = Save(); !s.ok()) return s;
    return statement;
  }

 private:
  Profile(std::string folder, PrivateKey device_key, X25519KeyPair sealing, DeviceChain chain);
  std::string folder_;
  std::string deployment_;
  PrivateKey device_key_;
  X25519KeyPair sealing_;
  AccountId account_;
  DeviceChain chain_;
  std::string recovery_code_;
  Account state_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_PROFILE_PROFILE_H_
