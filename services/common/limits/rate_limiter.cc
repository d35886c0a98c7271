#include "services/common/limits/rate_limiter.h"

#include <algorithm>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace comity {
namespace {

constexpr size_t kShards = 16;
// Not worth looking through.
constexpr size_t kFewStates = 64;
// One of what is counted, in parts of which a rate of one a second pays back one a nanosecond.
constexpr uint64_t kParts = 1'000'000'000;
constexpr uint64_t kNanosPerMilli = 1'000'000;

// What is owed, as of a time.
struct State {
  uint64_t owed = 0;
  int64_t at = 0;  // nanoseconds
};

int64_t Nanos(RateLimiter::Time time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

uint64_t OwedAt(const State& state, int64_t now, uint64_t rate) {
  if (now <= state.at) return state.owed;
  const auto passed = static_cast<uint64_t>(now - state.at);
  // By division: the product may be beyond 64 bits.
  return passed > state.owed / rate ? 0 : state.owed - passed * rate;
}

uint64_t PartsOf(uint64_t count) { return std::min(count, kMaxRate) * kParts; }

uint64_t DivideUp(uint64_t a, uint64_t b) { return a / b + (a % b == 0 ? 0 : 1); }

absl::string_view View(std::string_view key) { return {key.data(), key.size()}; }

}  // namespace

struct alignas(64) RateLimiter::Shard {
  // Whoever owes nothing is as one who was never here. Looked for when the number has doubled since
  // the last time, so that each new key pays for looking at two.
  void Sweep(int64_t now, uint64_t rate) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    absl::erase_if(states, [&](const auto& entry) { return OwedAt(entry.second, now, rate) == 0; });
    states.rehash(0);  // looking through an empty place costs as much as through a full one
    sweep_at = std::max(kFewStates, 2 * states.size());
  }

  mutable absl::Mutex mutex;
  absl::flat_hash_map<std::string, State> states ABSL_GUARDED_BY(mutex);
  size_t sweep_at ABSL_GUARDED_BY(mutex) = kFewStates;
};

RateLimiter::RateLimiter(Rate rate)
    : rate_{std::min(rate.per_second, kMaxRate), std::min(rate.burst, kMaxRate)},
      shards_(std::make_unique<Shard[]>(kShards)) {}

RateLimiter::~RateLimiter() = default;

RateLimiter::Shard& RateLimiter::ShardOf(std::string_view key) const {
  return shards_[absl::Hash<absl::string_view>()(View(key)) % kShards];
}

std::optional<std::chrono::milliseconds> RateLimiter::Take(std::string_view key, uint64_t count,
                                                           Time now) {
  if (rate_.unlimited() || count == 0) return std::nullopt;
  const uint64_t parts = PartsOf(count);
  const uint64_t burst = PartsOf(rate_.burst);
  const int64_t nanos = Nanos(now);
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  auto found = shard.states.find(View(key));
  const State before = found == shard.states.end() ? State{0, nanos} : found->second;
  const uint64_t owed = OwedAt(before, nanos, rate_.per_second);
  const uint64_t most = burst - std::min(burst, parts);
  if (owed > most) {
    uint64_t wait = DivideUp(owed - most, rate_.per_second);
    // Another thread looked at the clock later and came first.
    if (before.at > nanos) wait += static_cast<uint64_t>(before.at - nanos);
    return std::chrono::milliseconds(DivideUp(wait, kNanosPerMilli));
  }
  if (found == shard.states.end()) {
    if (shard.states.size() >= shard.sweep_at) shard.Sweep(nanos, rate_.per_second);
    found = shard.states.try_emplace(std::string(key)).first;
  }
  found->second = {owed + parts, std::max(before.at, nanos)};
  return std::nullopt;
}

void RateLimiter::GiveBack(std::string_view key, uint64_t count) {
  if (rate_.unlimited()) return;
  Shard& shard = ShardOf(key);
  absl::MutexLock lock(&shard.mutex);
  const auto found = shard.states.find(View(key));
  if (found == shard.states.end()) return;  // paid for already
  State& state = found->second;
  state.owed -= std::min(state.owed, PartsOf(count));
}

size_t RateLimiter::size() const {
  size_t size = 0;
  for (size_t i = 0; i < kShards; ++i) {
    absl::MutexLock lock(&shards_[i].mutex);
    size += shards_[i].states.size();
  }
  return size;
}

}  // namespace comity
