#include "services/common/server/call_stats.h"

#include <algorithm>

#include <google/protobuf/descriptor.h>

namespace comity {
namespace {

uint64_t NextId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

// "/comity.custody.v1.CustodyService/UnwrapDataKey" -> "comity.custody.v1.CustodyService.Unwrap…"
bool IsStream(std::string_view method) {
  std::string name(method.substr(method.starts_with('/') ? 1 : 0));
  std::ranges::replace(name, '/', '.');
  const google::protobuf::MethodDescriptor* found =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  return found != nullptr && (found->client_streaming() || found->server_streaming());
}

}  // namespace

uint64_t MethodStats::Count(Reason reason) const {
  if (reason != Reason::kUnspecified) {
    return refused_[static_cast<size_t>(reason)].load(std::memory_order_relaxed);
  }
  // Refusals first: one that ends meanwhile is then counted as neither, not as a success.
  uint64_t refused = 0;
  for (const auto& count : refused_) refused += count.load(std::memory_order_relaxed);
  const uint64_t all = latency_.Sum().count;
  return all > refused ? all - refused : 0;
}

uint64_t MethodStats::running() const {
  // Ends first: a call that ends meanwhile still counts as running, and none is negative.
  const uint64_t ended = latency_.Sum().count;
  uint64_t begun = 0;
  for (const Shard& shard : begun_) begun += shard.count.load(std::memory_order_relaxed);
  return begun > ended ? begun - ended : 0;
}

CallStats::CallStats(const MethodRules& rules) : id_(NextId()) {
  for (const auto& [method, rule] : rules) {  // sorted by name
    names_.push_back(method);
    methods_.push_back(std::make_unique<MethodStats>(
        method.substr(method.rfind('/') + 1), IsStream(method), (rule & kAllowAnyVerified) != 0));
  }
  methods_.push_back(std::make_unique<MethodStats>("other", false, false));
}

MethodStats* CallStats::Search(std::string_view method) const {
  const auto found = std::ranges::lower_bound(names_, method);
  return found != names_.end() && *found == method
             ? methods_[static_cast<size_t>(found - names_.begin())].get()
             : methods_.back().get();
}

MethodStats* CallStats::Find(std::string_view method) {
  struct Known {
    const char* name = nullptr;
    uint64_t owner = 0;
    MethodStats* stats = nullptr;
  };
  static thread_local std::array<Known, 64> known{};
  constexpr size_t kAlignmentBits = 4;
  Known& slot =
      known[(reinterpret_cast<uintptr_t>(method.data()) >> kAlignmentBits) % known.size()];
  if (slot.name != method.data() || slot.owner != id_) {
    slot = {method.data(), id_, Search(method)};
  }
  return slot.stats;
}

uint64_t CallStats::Count(Reason reason) const {
  uint64_t count = 0;
  for (const auto& method : methods_) count += method->Count(reason);
  return count;
}

uint64_t CallStats::running() const {
  uint64_t running = 0;
  for (const auto& method : methods_) running += method->running();
  return running;
}

}  // namespace comity
