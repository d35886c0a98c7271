#ifndef COMITY_REVIEW_OWN_STORAGE_H_
#define COMITY_REVIEW_OWN_STORAGE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/object_record.h"

namespace comity::review {

// What one account holds, as far as review may know.
struct AccountScope {
  bool held = false;
  std::vector<ContentId> contents;  // in order of time
  bool truncated = false;
  std::vector<Statement> chain;
};

// Storage's answer to an authorisation; a repeat gives the same.
struct StorageAnswer {
  std::vector<ObjectRecord> objects;  // in the order of the authorisation's scope
  Statement manifest;                 // legal.manifest
  std::string leaf;                   // "about to use"
  std::string receipt;
  Statement endorsement;  // of storage's statement key
};

// The storage of this region. Thread-safe; calls block. PEER_UNAVAILABLE, and what storage refuses.
class OwnStorage {
 public:
  virtual ~OwnStorage() = default;
  // Contents stored in [begin, end).
  virtual absl::StatusOr<AccountScope> GetScope(std::string_view case_id, const AccountId& account,
                                                UnixMillis begin, UnixMillis end) = 0;
  virtual absl::StatusOr<StorageAnswer> Execute(const Authorisation& authorisation) = 0;
  // Ciphertext of one content of an executed authorisation, in chunks of at most 1 MiB. Ends with
  // the first error of `take`.
  virtual absl::Status ReadContent(const Digest& authorisation, const AccountId& account,
                                   const ContentId& content,
                                   const std::function<absl::Status(std::string)>& take) = 0;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_OWN_STORAGE_H_
