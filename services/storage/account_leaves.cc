#include "services/storage/account_leaves.h"

#include <string>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/fields.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/macros.h"

namespace comity::storage {

absl::Status AccountLeaves::Append(std::string_view type, const AccountId& account,
                                   const Digest& about, AccountEdit& edit) const {
  const AccountEvent event{account, edit.info.leaves, edit.info.newest_leaf, about};
  const std::string salt = RandomBytes(32);
  const UnixMillis now = clock_->Now();
  Leaf leaf;
  leaf.type = std::string(type);
  leaf.day = now - now % kDayMs;
  leaf.region = region_;
  leaf.commitments["event"] = Commit(salt, leaf.type + "/event", EncodeRecord(event));
  ASSIGN_OR_RETURN(LoggedLeaf logged, log_->Append(EncodeLeaf(leaf)));
  edit.info.leaves += 1;
  edit.info.newest_leaf = Sha256Digest(logged.leaf);
  edit.new_leaves.push_back({std::move(logged.leaf), salt, logged.index});
  return absl::OkStatus();
}

}  // namespace comity::storage
