#ifndef COMITY_REVIEW_NOTICE_STORE_H_
#define COMITY_REVIEW_NOTICE_STORE_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"

namespace comity::review {

// Notices by account. What is here may be shown: a barred notice is only written when its bar has
// ended. Thread-safe; calls block. STORE_UNAVAILABLE, DATA_CORRUPT; PEER_UNAVAILABLE while the
// record key is not open.
class NoticeStore {
 public:
  virtual ~NoticeStore() = default;
  // One case has one notice per slot ("decided", "ended"); a later one takes its place.
  virtual absl::Status Put(const AccountId& account, std::string_view case_id,
                           std::string_view slot, const Statement& notice) = 0;
  virtual absl::StatusOr<std::vector<Statement>> List(const AccountId& account) = 0;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_NOTICE_STORE_H_
