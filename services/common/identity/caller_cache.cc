#include "services/common/identity/caller_cache.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <list>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

#include "services/common/crypto/digest.h"
#include "services/common/ids/ids.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

constexpr size_t kShards = 16;
constexpr size_t kMaxCachedBytes = 16 << 10;
constexpr size_t kRecentPerThread = 64;
constexpr size_t kMaxRecentBytes = 2 << 10;

bool IsValidAt(const Caller& caller, UnixMillis now) {
  return now >= caller.valid_from && now <= caller.valid_until;
}

// Who called last on this thread, by where gRPC keeps the connection's certificate. The place only
// says where to look: the bytes are compared, because it is used again for other connections.
struct Recent {
  uint64_t cache = 0;  // which one: a process may have several
  std::string certificate_pem;
  std::shared_ptr<const Caller> caller;
};

Recent& RecentAt(std::string_view certificate_pem) {
  static thread_local std::array<Recent, kRecentPerThread> recent;
  // Allocations are aligned, so that the lowest bits tell nothing.
  return recent[(reinterpret_cast<uintptr_t>(certificate_pem.data()) >> 5) % recent.size()];
}

uint64_t NextCacheNumber() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
}

}  // namespace

struct CallerCache::Shard {
  struct Entry {
    Digest certificate;
    std::shared_ptr<const Caller> caller;
  };
  mutable absl::Mutex mutex;
  std::list<Entry> entries ABSL_GUARDED_BY(mutex);  // most recently used first
  absl::flat_hash_map<Digest, std::list<Entry>::iterator> index ABSL_GUARDED_BY(mutex);

  std::shared_ptr<const Caller> Find(const Digest& certificate, UnixMillis now)
      ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    const auto found = index.find(certificate);
    if (found == index.end()) {
      return nullptr;
    }
    const Caller& caller = *found->second->caller;
    if (!IsValidAt(caller, now)) {
      entries.erase(found->second);
      index.erase(found);
      return nullptr;
    }
    entries.splice(entries.begin(), entries, found->second);
    return found->second->caller;
  }

  void Insert(const Digest& certificate, std::shared_ptr<const Caller> caller, size_t capacity)
      ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    if (index.contains(certificate)) {
      return;  // another call was faster
    }
    entries.push_front({certificate, std::move(caller)});
    index.emplace(certificate, entries.begin());
    if (entries.size() > capacity) {
      index.erase(entries.back().certificate);
      entries.pop_back();
    }
  }
};

CallerCache::CallerCache(Topology topology, size_t capacity)
    : number_(NextCacheNumber()),
      topology_(std::move(topology)),
      shard_capacity_(std::max<size_t>(1, capacity / kShards)),
      shards_(new Shard[kShards]) {}

CallerCache::~CallerCache() = default;

absl::StatusOr<std::shared_ptr<const Caller>> CallerCache::Identify(
    std::string_view certificate_pem, UnixMillis now) {
  if (certificate_pem.size() > kMaxCachedBytes) {
    return IdentifyCaller(certificate_pem, topology_, now).status();
  }
  Recent& recent = RecentAt(certificate_pem);
  if (recent.cache == number_ && recent.certificate_pem == certificate_pem &&
      IsValidAt(*recent.caller, now)) {
    return recent.caller;
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Caller> caller, IdentifyByHash(certificate_pem, now));
  if (certificate_pem.size() <= kMaxRecentBytes) {
    recent = {number_, std::string(certificate_pem), caller};
  }
  return caller;
}

absl::StatusOr<std::shared_ptr<const Caller>> CallerCache::IdentifyByHash(
    std::string_view certificate_pem, UnixMillis now) {
  const Digest certificate = Sha256Digest(certificate_pem);
  Shard& shard = shards_[static_cast<uint8_t>(certificate.bytes().front()) % kShards];
  if (std::shared_ptr<const Caller> known = shard.Find(certificate, now)) {
    return known;
  }
  ASSIGN_OR_RETURN(Caller caller, IdentifyCaller(certificate_pem, topology_, now));
  auto identified = std::make_shared<const Caller>(std::move(caller));
  shard.Insert(certificate, identified, shard_capacity_);
  return identified;
}

size_t CallerCache::size() const {
  size_t total = 0;
  for (size_t i = 0; i < kShards; ++i) {
    absl::MutexLock lock(&shards_[i].mutex);
    total += shards_[i].entries.size();
  }
  return total;
}

}  // namespace comity
