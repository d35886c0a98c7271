#ifndef COMITY_TESTS_TESTING_ROTATABLE_SEAL_H_
#define COMITY_TESTS_TESTING_ROTATABLE_SEAL_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/seal/seal_record.h"
#include "services/common/secret/secret.h"
#include "services/custody/seal.h"
#include "tests/testing/custody.h"
#include "tests/testing/soft_token.h"
#include "tests/testing/temp_dir.h"

namespace comity::custody {

// A custody node under a seal whose root key can be rotated, with its people. What the seal keeps,
// and what they hold, outlives deaths of the node; writing it can be what kills it.
class RotatableSeal final {
 public:
  enum class Kind { kKeyfile, kShamir, kToken };
  // The node starts again under it, with `root`, split 2 of 3 if it is split; the topology of which
  // the seal knows names `next`. Both outlive it.
  RotatableSeal(CustodyWorld* world, CustodyNode* node, Kind kind, const SecretBytes& root,
                std::vector<std::string> next = {"ops-evans", "ops-fox", "ops-grant"},
                size_t next_threshold = 2);

  static Authorization Person(std::string_view name);
  Vault& vault() { return node_->custody().vault(); }
  SealState state() { return vault().state(); }
  // Enters the shares in force until it is open.
  void Open();
  // As many as it takes enter their shares to rotate.
  absl::Status Begin();
  // All to whom shares are dealt take them and show them.
  absl::Status TakeAll();
  absl::Status Take(const std::string& person);
  absl::Status Rotate();
  // Ticks until nothing rests under the root before.
  void Finish();
  // Those who hold shares of what is in force now put away what they held before.
  void Settle();

  const std::map<std::string, SecretBytes>& held() const { return held_; }
  // Of Kind::kToken alone.
  const SoftToken& token() const { return *token_; }
  // As the folder of a service, with the key file.
  const std::string& directory() const { return directory_.path(); }
  // The root key that the shares dealt give, from those that were taken.
  SecretBytes DealtRoot() const;

 private:
  std::unique_ptr<Seal> Make();
  std::unique_ptr<Seal> MakeTokenSeal() const;
  std::string KeyFile() const { return directory() + "/identity/root.key"; }

  CustodyWorld* const world_;
  CustodyNode* const node_;
  const Kind kind_;
  const std::vector<std::string> next_;
  const size_t next_threshold_;
  const TempDir directory_;
  const std::unique_ptr<SoftToken> token_;  // null for the other kinds
  SealRecord record_;
  std::map<std::string, SecretBytes> held_;
  std::map<std::string, SecretBytes> taken_;
};

// Whether every sealed key of the stored account opens under this root alone.
bool OpensUnder(CustodyNode& node, const AccountId& account, const SecretBytes& root);

}  // namespace comity::custody

#endif  // COMITY_TESTS_TESTING_ROTATABLE_SEAL_H_
