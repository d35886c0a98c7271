#ifndef COMITY_CUSTODY_STORED_ACCOUNT_STORE_H_
#define COMITY_CUSTODY_STORED_ACCOUNT_STORE_H_

#include <string>

#include "services/common/store/record_store.h"
#include "services/custody/account_store.h"

namespace comity::custody {

// Accounts over a RecordStore, one partition "custody/<account>" each:
//   account/record, account/history       proto/comity/custody/store/v1/store.proto
//   account/key/<epoch>/<version>         sealed account key (numbers: 8 hex digits)
//   account/vouch                         KeySealer::Vouch() for the device chain
//   account/metadata/<epoch>              sealed metadata private key
//   decision/<epoch>                      written once, never read by the service
//   leaf/<number>                         openings (16 hex digits)
//   used/<authorisation digest, base32>   legal uses
// `records` outlives it.
class StoredAccountStore final : public AccountStore {
 public:
  explicit StoredAccountStore(RecordStore* records) : records_(records) {}

  absl::StatusOr<Account> Load(const AccountId& id, const KeySealer* keys) override;
  absl::StatusOr<Account> Skim(const AccountId& id) override;
  absl::StatusOr<uint64_t> Commit(const Account& before, const Account& after,
                                  const CommitExtras& extras) override;
  absl::StatusOr<std::optional<LegalUse>> FindUse(const AccountId& account,
                                                  const Digest& authorisation) override;
  absl::StatusOr<std::vector<AccountId>> List(const AccountId& cursor, size_t limit) override;
  absl::StatusOr<ResealMark> LoadMark() override;
  absl::Status KeepMark(const ResealMark& mark) override;

 private:
  RecordStore* const records_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_STORED_ACCOUNT_STORE_H_
