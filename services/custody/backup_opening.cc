#include "services/custody/backup_opening.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/common/files/files.h"
#include "services/common/seal/seal_record.h"
#include "services/common/seal/seal_share.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/key_sealer.h"
#include "services/custody/make_seal.h"

namespace comity::custody {
namespace {

// There was a root key: none is ever made for a backup.
class AlwaysMarked final : public RootMark {
 public:
  absl::StatusOr<bool> IsSet() override { return true; }
  absl::Status Set() override { return absl::OkStatus(); }
};

// Whose share it is, by its number; the seal finds out whether it is the right one.
absl::StatusOr<std::string> HolderOf(const SealRecord& record, const SealShare& share) {
  for (const SealHolder& holder : record.holders) {
    if (holder.index == share.index && record.set == share.set) return holder.person;
  }
  return Refuse(Reason::kShareInvalid, "a share that is given is not of this backup's root key");
}

absl::StatusOr<SecretBytes> EnterShares(Seal& seal, const BackupOpening& opening) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadFile(opening.directory + "/identity/" + kShamirFile));
  ASSIGN_OR_RETURN(const SealRecord record, DecodeSealRecord(bytes));
  std::optional<SecretBytes> root;
  for (const SecretBytes& text : opening.shares) {
    ASSIGN_OR_RETURN(const SealShare share, ParseSealShare(text));
    ASSIGN_OR_RETURN(const std::string person, HolderOf(record, share));
    ASSIGN_OR_RETURN(root, seal.Enter(person, EncodeSealShare(share), opening.now));
  }
  if (root.has_value()) return *std::move(root);
  std::string holders;
  for (const ShareState& holder : seal.Shares()) {
    holders += (holders.empty() ? "" : ", ") + holder.person + (holder.entered ? " (given)" : "");
  }
  return Refuse(Reason::kSealed, "the backup opens with the shares of " +
                                     std::to_string(seal.shares_needed()) + " of " + holders +
                                     ": give each with --share FILE");
}

}  // namespace

absl::StatusOr<SecretBytes> OpenCustodyBackup(const BackupOpening& opening) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Seal> seal,
                   MakeSealAt({.topology = opening.topology,
                               .region = opening.region,
                               .directory = opening.directory,
                               .token = opening.token,
                               .mark = std::make_unique<AlwaysMarked>()}));
  if (!seal->opened_by_people() && !opening.shares.empty()) {
    return Refuse(Reason::kShareInvalid, "this seal has no shares: " + seal->description());
  }
  ASSIGN_OR_RETURN(SecretBytes root,
                   seal->opened_by_people() ? EnterShares(*seal, opening) : seal->OpenRoot());
  ASSIGN_OR_RETURN(const std::string ring, seal->ring());
  ASSIGN_OR_RETURN(
      const std::shared_ptr<const KeySealer> keys,
      KeySealer::Open(std::move(root), ring, opening.topology.deployment(), opening.region));
  for (const auto& [generation, sealed] : opening.keys) {
    absl::StatusOr<SecretBytes> key = keys->OpenBackupKey(sealed);
    if (key.ok()) return key;
  }
  return Refuse(Reason::kDataCorrupt,
                opening.keys.empty()
                    ? "custody was never open while this backup was kept: nobody can open it"
                    : "the root key does not open this backup");
}

}  // namespace comity::custody
