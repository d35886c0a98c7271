#include "services/review/agenda.h"

namespace comity::review {

void Agenda::Set(const std::string& case_id, std::optional<UnixMillis> due) {
  absl::MutexLock lock(&mutex_);
  if (const auto it = due_.find(case_id); it != due_.end()) {
    queue_.erase({it->second, case_id});
    due_.erase(it);
  }
  if (due.has_value()) {
    due_.emplace(case_id, *due);
    queue_.emplace(*due, case_id);
  }
}

std::vector<std::string> Agenda::TakeDue(UnixMillis now, size_t limit) {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> taken;
  while (!queue_.empty() && queue_.begin()->first <= now && taken.size() < limit) {
    taken.push_back(queue_.begin()->second);
    due_.erase(taken.back());
    queue_.erase(queue_.begin());
  }
  return taken;
}

}  // namespace comity::review
