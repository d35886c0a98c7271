#ifndef COMITY_REVIEW_RESULT_STORE_H_
#define COMITY_REVIEW_RESULT_STORE_H_

#include <optional>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/review/own_custody.h"
#include "services/review/own_storage.h"

namespace comity::review {

// What storage and custody answered to one authorisation.
struct AccountResult {
  StorageAnswer storage;
  CustodyAnswer custody;  // empty when storage's answer had no objects
};

// Answers until they are delivered. Thread-safe; calls block. STORE_UNAVAILABLE, DATA_CORRUPT;
// PEER_UNAVAILABLE while the record key is not open.
class ResultStore {
 public:
  virtual ~ResultStore() = default;
  virtual absl::StatusOr<std::optional<AccountResult>> Find(std::string_view case_id,
                                                            const Digest& authorisation) = 0;
  // The first one stays: answers to one authorisation are all the same. MESSAGE_TOO_LARGE.
  virtual absl::Status Keep(std::string_view case_id, const Digest& authorisation,
                            const AccountResult& result) = 0;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_RESULT_STORE_H_
