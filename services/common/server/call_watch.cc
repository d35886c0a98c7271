#include "services/common/server/call_watch.h"

#include <algorithm>

#include "absl/time/time.h"

namespace comity {
namespace {

// A far deadline is waited for in parts, which keeps the arithmetic away from its ends.
constexpr std::chrono::hours kLongestWait{1};

}  // namespace

CallWatch::CallWatch() : thread_([this] { Run(); }) {}

CallWatch::~CallWatch() {
  {
    absl::MutexLock lock(&mutex_);
    stops_ = true;
  }
  thread_.join();
}

CallWatch::Scope::Scope(CallWatch& watch, const grpc::ServerContextBase* context, Time deadline)
    : watch_(watch) {
  absl::MutexLock lock(&watch_.mutex_);
  key_ = {deadline, watch_.next_++};
  const auto [entry, inserted] = watch_.calls_.emplace(key_, context);
  watch_.changed_ |= entry == watch_.calls_.begin();
}

CallWatch::Scope::~Scope() {
  // Waits for a cancellation that is under way, so that `context` is never touched after this.
  absl::MutexLock lock(&watch_.mutex_);
  watch_.calls_.erase(key_);
}

void CallWatch::Run() {
  absl::MutexLock lock(&mutex_);
  while (!stops_) {
    const Time now = std::chrono::system_clock::now();
    while (!calls_.empty() && calls_.begin()->first.first <= now) {
      calls_.begin()->second->TryCancel();
      calls_.erase(calls_.begin());
    }
    Time::duration wait = kLongestWait;
    if (!calls_.empty()) {
      wait = std::min<Time::duration>(wait, calls_.begin()->first.first - now);
    }
    changed_ = false;
    mutex_.AwaitWithTimeout(absl::Condition(this, &CallWatch::StopsOrChanged),
                            absl::FromChrono(wait));
  }
}

}  // namespace comity
