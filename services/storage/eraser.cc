#include "services/storage/eraser.h"

#include <optional>
#include <utility>

#include "services/common/statement/custody.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

using MaybeEdit = absl::StatusOr<std::optional<AccountEdit>>;

absl::StatusOr<SnapshotPtr> Eraser::EraseWithCertificate(const AccountId& account,
                                                         AccountEpoch epoch) {
  const auto begin = [&](const AccountSnapshot* known) -> MaybeEdit {
    if (known == nullptr) return Refuse(Reason::kAccountNotHere);
    if (known->info.state == AccountState::kActive || known->incoming.has_value()) {
      return Refuse(Reason::kStateNotReady, "the account is served or arriving here");
    }
    if (!known->info.data_here || known->info.erasing.has_value()) {
      return std::optional<AccountEdit>();
    }
    AccountEdit edit(*known);
    edit.info.erasing = 0;
    for (const uint8_t bucket : known->buckets) {
      ASSIGN_OR_RETURN(const BucketSum sum, objects_->Sum(account, bucket));
      *edit.info.erasing += sum.objects;
    }
    RETURN_IF_ERROR(site_.leaves->Append("data.destruction", account, Digest(), edit));
    return std::optional<AccountEdit>(std::move(edit));
  };
  ASSIGN_OR_RETURN(const SnapshotPtr begun, accounts_->Update(account, begin));
  if (!begun->info.erasing.has_value()) return begun;  // nothing is left here

  RETURN_IF_ERROR(Clear(*begun, epoch));
  const auto end = [&](const AccountSnapshot* known) -> MaybeEdit {
    if (known == nullptr || !known->info.erasing.has_value()) return std::optional<AccountEdit>();
    AccountEdit edit(*known);
    ASSIGN_OR_RETURN(
        const Statement certificate,
        site_.Sign(account, DataDestruction{epoch, *known->info.erasing, site_.Now()}));
    edit.Keep(known, certificate);
    edit.Keep(known, site_.endorsement());
    edit.info.erasing.reset();
    edit.info.data_here = false;
    return std::optional<AccountEdit>(std::move(edit));
  };
  return accounts_->Update(account, end);
}

absl::Status Eraser::EraseArrivals(const AccountSnapshot& account, AccountEpoch epoch) {
  return Clear(account, epoch);
}

absl::Status Eraser::Clear(const AccountSnapshot& account, AccountEpoch epoch) {
  // A closed gate stays behind, so that nobody who still believes in the account can write.
  for (const uint8_t bucket : account.buckets) {
    RETURN_IF_ERROR(objects_->Clear(account.account, bucket, Gate{GateKind::kFenced, epoch}));
  }
  return DeleteAllBlobs(*blobs_, account.account);
}

}  // namespace comity::storage
