#ifndef COMITY_COMMON_SERVER_CALL_STATS_H_
#define COMITY_COMMON_SERVER_CALL_STATS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/server/guard.h"
#include "services/common/server/latency_histogram.h"
#include "services/common/status/reason.h"

namespace comity {

// The calls of one method.
class MethodStats final {
 public:
  MethodStats(std::string name, bool streams, bool open)
      : name_(std::move(name)), streams_(streams), open_(open) {}

  void Begin() { begun_[ThreadShard(begun_.size())].count.fetch_add(1, std::memory_order_relaxed); }
  // kUnspecified is success. Once for each Begin().
  void End(Reason reason, std::chrono::nanoseconds took) {
    // Successes are what is left of all: the common case counts once.
    if (reason != Reason::kUnspecified) {
      refused_[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
    }
    latency_.Observe(took);
  }

  const std::string& name() const { return name_; }  // "UnwrapDataKey"
  bool streams() const { return streams_; }
  // For every verified identity: it tells what anybody may know, and no record is kept of it.
  bool open() const { return open_; }
  // Calls that have ended so; begun and not ended.
  uint64_t Count(Reason reason) const;
  uint64_t running() const;
  const LatencyHistogram& latency() const { return latency_; }

  static constexpr size_t kReasons = 128;

 private:
  struct alignas(64) Shard {
    std::atomic<uint64_t> count{0};
  };
  const std::string name_;
  const bool streams_;
  const bool open_;
  std::array<Shard, 4> begun_;
  std::array<std::atomic<uint64_t>, kReasons> refused_{};
  LatencyHistogram latency_;
};

// The calls of one server, by method. Thread-safe.
class CallStats final {
 public:
  // One entry for each method with a rule, and one, "other", for all that have none.
  explicit CallStats(const MethodRules& rules);

  // Of the full name of a method, which lives for ever; never null. A method is looked up once on
  // each thread.
  MethodStats* Find(std::string_view method);

  uint64_t Count(Reason reason) const;
  uint64_t running() const;
  const std::vector<std::unique_ptr<MethodStats>>& methods() const { return methods_; }

 private:
  MethodStats* Search(std::string_view method) const;
  const uint64_t id_;               // never that of another one, unlike an address
  std::vector<std::string> names_;  // full, sorted; "other" is the last of methods_
  std::vector<std::unique_ptr<MethodStats>> methods_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_CALL_STATS_H_
