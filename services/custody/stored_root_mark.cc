#include "services/custody/stored_root_mark.h"

#include <string>
#include <vector>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"

namespace comity::custody {
namespace {

constexpr std::string_view kAccounts = "custody/";
constexpr std::string_view kPartition = "custody-root";
const char kKey[] = "wrapped";
const char kFormat[] = "1";

}  // namespace

absl::StatusOr<bool> StoredRootMark::IsSet() {
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(kPartition, {kKey}));
  if (snapshot.Find(kKey) != nullptr) return true;
  ASSIGN_OR_RETURN(const std::vector<std::string> accounts, records_->Partitions(kAccounts, "", 1));
  return !accounts.empty();
}

absl::Status StoredRootMark::Set() {
  return records_->Commit(kPartition, RandomId<RequestId>(), {}, {Mutation::Put(kKey, kFormat)})
      .status();
}

}  // namespace comity::custody
