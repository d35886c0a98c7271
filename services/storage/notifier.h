#ifndef COMITY_STORAGE_NOTIFIER_H_
#define COMITY_STORAGE_NOTIFIER_H_

#include <cstdint>
#include <functional>

#include "absl/status/status.h"

#include "services/storage/account_index.h"
#include "services/storage/account_store.h"
#include "services/storage/site.h"

namespace comity::storage {

// Notifies every account that an announced change concerns: a leaf, and a durable record that its
// devices see from then on (GetAccount). Not thread-safe.
class Notifier final {
 public:
  // What is given outlives this.
  Notifier(Site site, AccountIndex* index, AccountStore* accounts)
      : site_(std::move(site)), index_(index), accounts_(accounts) {}

  // Notifies who is to be notified now; returns early when `stop` says so.
  absl::Status Tick(const std::function<bool()>& stop);

 private:
  const Site site_;
  AccountIndex* const index_;
  AccountStore* const accounts_;
  uint64_t seen_changes_ = 0;
  UnixMillis seen_time_ = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_NOTIFIER_H_
