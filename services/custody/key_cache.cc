#include "services/custody/key_cache.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/hash/hash.h"
#include "absl/synchronization/mutex.h"

namespace comity::custody {

bool OpenAccount::HasDevice(const SigningKeyId& key) const {
  return std::ranges::binary_search(devices, key);
}

const OpenGrant* OpenAccount::FindGrant(const GrantId& grant) const {
  const auto found = std::ranges::lower_bound(
      grants, grant, {}, [](const OpenGrant& open) { return open.body.grant; });
  return found == grants.end() || found->body.grant != grant ? nullptr : &*found;
}

const OpenAccount::Version* OpenAccount::Find(KeyVersion version) const {
  const auto found = std::ranges::find(versions, version, &Version::version);
  return found == versions.end() ? nullptr : &*found;
}

const OpenAccount::Version* OpenAccount::Newest() const {
  return versions.empty() || versions.back().key == nullptr ? nullptr : &versions.back();
}

// Eviction is second chance: a hit only sets a flag, so that readers share the lock.
struct KeyCache::Shard {
  struct Slot {
    std::shared_ptr<const OpenAccount> opened;
    std::atomic<bool> used{false};
  };

  void Drop(size_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    slots[index].opened->MarkStale();
    by_account.erase(slots[index].opened->id);
    slots[index].opened.reset();
    free.push_back(index);
  }
  size_t TakeSlot() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  mutable absl::Mutex mutex;
  std::unordered_map<AccountId, size_t, absl::Hash<AccountId>> by_account ABSL_GUARDED_BY(mutex);
  std::vector<Slot> slots ABSL_GUARDED_BY(mutex);
  std::vector<size_t> free ABSL_GUARDED_BY(mutex);
  size_t hand ABSL_GUARDED_BY(mutex) = 0;
  std::unordered_set<Load*> loads ABSL_GUARDED_BY(mutex);
};

size_t KeyCache::Shard::TakeSlot() {
  if (free.empty()) {
    while (slots[hand].used.exchange(false, std::memory_order_relaxed)) {
      hand = (hand + 1) % slots.size();
    }
    Drop(hand);
    hand = (hand + 1) % slots.size();
  }
  const size_t index = free.back();
  free.pop_back();
  return index;
}

KeyCache::KeyCache(size_t capacity, size_t shards)
    : shard_capacity_(std::max<size_t>(1, capacity / shards)),
      shards_(std::make_unique<Shard[]>(shards)),
      shard_count_(shards) {
  for (size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    absl::MutexLock lock(&shard.mutex);
    shard.slots = std::vector<Shard::Slot>(shard_capacity_);
    for (size_t slot = shard_capacity_; slot > 0; --slot) {
      shard.free.push_back(slot - 1);
    }
  }
}

KeyCache::~KeyCache() = default;

KeyCache::Shard& KeyCache::ShardOf(const AccountId& account) const {
  // Ids are hashes, so that any byte spreads; the last one leaves the map's own hash undisturbed.
  return shards_[static_cast<uint8_t>(account.bytes().back()) % shard_count_];
}

std::shared_ptr<const OpenAccount> KeyCache::Find(const AccountId& account) const {
  Shard& shard = ShardOf(account);
  absl::ReaderMutexLock lock(&shard.mutex);
  const auto found = shard.by_account.find(account);
  if (found == shard.by_account.end()) {
    return nullptr;
  }
  Shard::Slot& slot = shard.slots[found->second];
  slot.used.store(true, std::memory_order_relaxed);
  return slot.opened;
}

KeyCache::Load::Load(KeyCache* cache, const AccountId& account) : cache_(cache), account_(account) {
  Shard& shard = cache_->ShardOf(account_);
  cache_->loads_.fetch_add(1, std::memory_order_relaxed);
  absl::MutexLock lock(&shard.mutex);
  shard.loads.insert(this);
}

KeyCache::Load::~Load() {
  Shard& shard = cache_->ShardOf(account_);
  absl::MutexLock lock(&shard.mutex);
  shard.loads.erase(this);
}

bool KeyCache::Load::Insert(std::shared_ptr<const OpenAccount> opened) {
  Shard& shard = cache_->ShardOf(account_);
  absl::MutexLock lock(&shard.mutex);
  if (void_) {
    return false;
  }
  const auto found = shard.by_account.find(account_);
  if (found != shard.by_account.end()) {
    // Nobody would mark the replaced view when the account changes.
    shard.Drop(found->second);
  }
  const size_t index = shard.TakeSlot();
  shard.by_account.emplace(account_, index);
  shard.slots[index].opened = std::move(opened);
  shard.slots[index].used.store(true, std::memory_order_relaxed);
  return true;
}

void KeyCache::Forget(const AccountId& account) {
  Shard& shard = ShardOf(account);
  absl::MutexLock lock(&shard.mutex);
  if (const auto found = shard.by_account.find(account); found != shard.by_account.end()) {
    shard.Drop(found->second);
  }
  for (Load* load : shard.loads) {
    load->void_ |= load->account_ == account;
  }
}

void KeyCache::Clear() {
  for (size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    absl::MutexLock lock(&shard.mutex);
    while (!shard.by_account.empty()) {
      shard.Drop(shard.by_account.begin()->second);
    }
    for (Load* load : shard.loads) {
      load->void_ = true;
    }
  }
}

size_t KeyCache::size() const {
  size_t size = 0;
  for (size_t i = 0; i < shard_count_; ++i) {
    absl::ReaderMutexLock lock(&shards_[i].mutex);
    size += shards_[i].by_account.size();
  }
  return size;
}

}  // namespace comity::custody
