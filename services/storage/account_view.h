#ifndef COMITY_STORAGE_ACCOUNT_VIEW_H_
#define COMITY_STORAGE_ACCOUNT_VIEW_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/statement/account.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/statement.h"

namespace comity::storage {

// A consent with its envelope, and the statement it was read from.
struct ConsentEntry {
  Envelope envelope;
  Consent consent;
  Statement statement;
};

// What an account's history says, read from statements that were verified when they were kept: of
// several the highest number counts, in whatever order they arrived. Immutable, copyable.
class AccountView final {
 public:
  // DATA_CORRUPT when a kept statement does not parse.
  static absl::StatusOr<AccountView> Build(const std::vector<Statement>& history);

  const std::string& territory() const { return territory_; }
  // Whose custody made the keys, if that is another region than the home (exclave).
  const std::optional<RegionId>& keys_elsewhere() const { return keys_elsewhere_; }
  // Of the newest device statement.
  uint64_t newest_number() const { return newest_number_; }
  // The newest consent that no later withdrawal, change of territory or close took back. It may be
  // expired or spent: that depends on time and epoch.
  const std::optional<ConsentEntry>& consent() const { return consent_; }
  // Number of the close that no later cancel undid.
  const std::optional<uint64_t>& open_close() const { return open_close_; }
  // When custody will destroy the keys of that close; 0 = not told yet.
  UnixMillis close_destroy_time() const { return close_destroy_time_; }
  const std::optional<Parsed<ReadBack>>& readback() const { return readback_; }
  // The device statement with this number.
  const Digest* FindNumber(uint64_t number) const;
  bool Has(const Digest& digest) const { return digests_.contains(digest); }

 private:
  std::string territory_;
  std::optional<RegionId> keys_elsewhere_;
  uint64_t newest_number_ = 0;
  std::optional<ConsentEntry> consent_;
  std::optional<uint64_t> open_close_;
  UnixMillis close_destroy_time_ = 0;
  std::optional<Parsed<ReadBack>> readback_;
  std::map<uint64_t, Digest> numbers_;
  std::map<Digest, size_t> digests_;
};

// Is this the type of a statement in the devices' one numbered sequence?
bool IsNumberedDeviceType(std::string_view type);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_VIEW_H_
