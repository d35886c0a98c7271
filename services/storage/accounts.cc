#include "services/storage/accounts.h"

#include <optional>
#include <utility>

#include "services/common/statement/device_chain.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_opening.h"
#include "services/storage/account_rules.h"

namespace comity::storage {

absl::StatusOr<AccountReport> Accounts::Create(const Authorization& authorization,
                                               const CreateCommand& command) {
  ASSIGN_OR_RETURN(const VerifiedOpening opening,
                   VerifyOpening(*site_.topology, site_.region, command, site_.Now()));
  if (opening.chain.FindActive(authorization.caller().key.id()) == nullptr) {
    return Refuse(Reason::kAccountNotYours, "the caller is no device of this chain");
  }
  const AccountId& account = opening.chain.account();
  const Digest record = command.record.digest();
  const auto open =
      [&](const AccountSnapshot* known) -> absl::StatusOr<std::optional<AccountEdit>> {
    if (known != nullptr) {
      if (known->view.Has(record)) return std::optional<AccountEdit>();
      return Refuse(Reason::kStatementSuperseded, "the account has another record");
    }
    AccountEdit edit;
    edit.info.state = AccountState::kActive;
    edit.info.epoch = 1;
    edit.info.serving = site_.region;
    edit.info.create_time = site_.Now();
    edit.info.data_here = true;
    edit.chain_entries = opening.chain.entries();
    edit.new_statements = opening.history;
    RETURN_IF_ERROR(site_.leaves->Append("account.created", account, record, edit));
    return std::optional<AccountEdit>(std::move(edit));
  };
  ASSIGN_OR_RETURN(SnapshotPtr opened, accounts_->Update(account, open));
  return Report(std::move(opened));
}

absl::StatusOr<AccountReport> Accounts::Get(const Authorization& authorization,
                                            const AccountId& account) {
  ASSIGN_OR_RETURN(const OwnerAccess owner, Owner(authorization, account, Access::kLook));
  return Report(owner.snapshot_);
}

absl::StatusOr<OwnerAccess> Accounts::Owner(const Authorization& authorization,
                                            const AccountId& account, Access access) {
  if (!authorization.IsDevice()) return Refuse(Reason::kCallerNotAllowed, "not a device");
  return OwnerByKey(authorization.caller().key.id(), account, access);
}

absl::StatusOr<OwnerAccess> Accounts::Recheck(const OwnerAccess& access) {
  return OwnerByKey(access.device_, access.account(), access.access_);
}

absl::StatusOr<OwnerAccess> Accounts::OwnerByKey(const SigningKeyId& key, const AccountId& account,
                                                 Access access) {
  ASSIGN_OR_RETURN(SnapshotPtr snapshot, accounts_->Load(account));
  if (snapshot == nullptr) return Refuse(Reason::kAccountNotYours, "no such account");
  const DeviceChain* chain = snapshot->chain();
  if (chain == nullptr) return Refuse(Reason::kDataCorrupt, "the kept chain does not verify");
  if (chain->FindActive(key) == nullptr) {
    return Refuse(Reason::kAccountNotYours, "no device of the account");
  }
  switch (access) {
    case Access::kLook:
      break;
    case Access::kRead:
      RETURN_IF_ERROR(CheckServed(*snapshot));
      break;
    case Access::kWrite:
      RETURN_IF_ERROR(CheckWritable(*site_.topology, site_.region, *snapshot, site_.Now()));
      break;
  }
  return OwnerAccess(std::move(snapshot), key, access);
}

absl::StatusOr<AccountReport> Accounts::Report(SnapshotPtr account) {
  AccountReport report;
  report.standing = StandingOf(*site_.topology, site_.region, *account, site_.Now());
  if (account->info.data_here) {
    for (const uint8_t bucket : account->buckets) {
      ASSIGN_OR_RETURN(const BucketSum sum, objects_->Sum(account->account, bucket));
      report.sum.objects += sum.objects;
      report.sum.bytes += sum.bytes;
    }
  }
  report.account = std::move(account);
  return report;
}

}  // namespace comity::storage
