#ifndef COMITY_REVIEW_AGENDA_H_
#define COMITY_REVIEW_AGENDA_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"

namespace comity::review {

// Which cases fall due when, in memory: read from the store at start, kept up by every write.
// Thread-safe.
class Agenda final {
 public:
  // nullopt: the case needs nothing more by itself.
  void Set(const std::string& case_id, std::optional<UnixMillis> due);
  // At most `limit` cases that are due, earliest first, taken off.
  std::vector<std::string> TakeDue(UnixMillis now, size_t limit);

 private:
  absl::Mutex mutex_;
  std::map<std::string, UnixMillis> due_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<UnixMillis, std::string>> queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_AGENDA_H_
