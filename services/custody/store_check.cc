#include "services/custody/store_check.h"

#include <memory>
#include <optional>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/account_check.h"
#include "services/custody/audit_check.h"
#include "services/custody/key_sealer.h"
#include "services/custody/keyfile_seal.h"
#include "services/custody/root_key.h"
#include "services/custody/stored_account_store.h"
#include "services/custody/stored_evidence.h"

namespace comity::custody {
namespace {

constexpr std::string_view kPrefix = "custody/";

// Null when the root key is not in a file here: then sealed keys stay closed. Opens what rests
// under the root before as well while that is there.
std::shared_ptr<const KeySealer> OpenSealer(const StoreCheck& check) {
  KeyfileSeal seal(check.directory + "/identity/root.key");
  absl::StatusOr<SecretBytes> root = seal.OpenRoot();
  const absl::StatusOr<std::string> ring = seal.ring();
  if (!root.ok() || !ring.ok()) return nullptr;
  const absl::StatusOr<std::shared_ptr<const KeySealer>> sealer =
      KeySealer::Open(*std::move(root), *ring, check.topology.deployment(), check.region);
  if (sealer.ok()) return *sealer;
  check.report.Violation("key", "root key", "what goes with it does not open under it");
  return nullptr;
}

absl::Status CheckPartition(const StoreCheck& check, const KeySealer* sealer,
                            const std::string& partition) {
  const absl::StatusOr<AccountId> id =
      AccountId::Parse(std::string_view(partition).substr(kPrefix.size()));
  if (!id.ok()) {
    check.report.Violation("record", "partition " + partition, "it belongs to no account");
    return absl::OkStatus();
  }
  StoredAccountStore store(&check.records);
  const absl::StatusOr<Account> account = store.Load(*id, nullptr);
  if (ReasonOf(account.status()) == Reason::kDataCorrupt) {
    check.report.Violation("record", "account " + id->ToString(), CauseOf(account.status()));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(account.status());
  ASSIGN_OR_RETURN(const StoredEvidence evidence, ReadEvidence(check.records, *id));
  CheckAccount(check, sealer, *account, evidence);
  TellAccount(check, *account, evidence);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCustodyStore(const StoreCheck& check) {
  const std::shared_ptr<const KeySealer> sealer = OpenSealer(check);
  if (sealer == nullptr) {
    check.report.Note("key", "root key", "it is not at hand, so that no sealed key was opened");
  }
  if (sealer != nullptr && sealer->rotating()) {
    check.report.Note("key", "root key",
                      "it is being rotated: keys rest under it and the one before");
  }
  RETURN_IF_ERROR(CheckAudit(check));
  return ForEachPartition(check.records, kPrefix, [&](const std::string& partition) {
    return CheckPartition(check, sealer.get(), partition);
  });
}

}  // namespace comity::custody
