#ifndef COMITY_CUSTODY_KEY_CACHE_H_
#define COMITY_CUSTODY_KEY_CACHE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"
#include "services/common/topology/standing.h"
#include "services/custody/account.h"

namespace comity::custody {

// A grant of the account's owner, as far as a use of it needs it.
struct OpenGrant {
  KeyGrant body;
  UnixMillis end = 0;
  bool ended = false;  // before its end: revoked, or its device is
};

// What a use of an account's key needs, with the keys opened: one consistent view of the stored
// account. Immutable, except that it can become stale; the keys are wiped with it.
class OpenAccount final {
 public:
  struct Version {
    KeyVersion version = 0;
    absl::Status opens;  // CheckOpens()
    // If it does; also of one that its owner is giving up, for rewrapping alone.
    std::unique_ptr<GcmSivKey> key;
  };

  AccountId id;
  Presence presence = Presence::kNone;
  bool closing = false;
  AccountFacts facts;
  std::vector<SigningKeyId> devices;  // active ones, sorted
  std::vector<Version> versions;      // ascending, from the first that is known here
  std::vector<OpenGrant> grants;      // by id; also those that have ended, which are told so

  bool HasDevice(const SigningKeyId& key) const;
  const OpenGrant* FindGrant(const GrantId& grant) const;  // nullptr if there is none
  // nullptr if there never was such a version here.
  const Version* Find(KeyVersion version) const;
  // The newest version, which wraps; nullptr if it may not be used.
  const Version* Newest() const;

  // Set when the account changed after this view was taken. Whoever used the view looks after the
  // use, before it answers: a revoked device or a released key is out from that moment on.
  bool stale() const { return stale_.load(std::memory_order_acquire); }
  void MarkStale() const { stale_.store(true, std::memory_order_release); }

 private:
  mutable std::atomic<bool> stale_{false};
};

// Opened accounts, bounded and sharded: a use of a cached key touches no store and no global lock.
// Thread-safe. The order for writers is: Forget() before the change may be seen outside, which the
// ledger does around each commit.
class KeyCache final {
 public:
  explicit KeyCache(size_t capacity, size_t shards = 64);
  ~KeyCache();

  std::shared_ptr<const OpenAccount> Find(const AccountId& account) const;

  // A load from the store that is under way. A Forget() of the account while it runs voids it, so
  // that a view read before a change can never be put in after it. Must not outlive the cache.
  class Load final {
   public:
    Load(KeyCache* cache, const AccountId& account);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    // False, and nothing kept, if the load is void: read again.
    bool Insert(std::shared_ptr<const OpenAccount> opened);

   private:
    friend class KeyCache;
    KeyCache* const cache_;
    const AccountId account_;
    bool void_ = false;  // under the shard's lock
  };

  // Drops the account, marks handed-out views stale and voids running loads.
  void Forget(const AccountId& account);
  // The same for all: sealing.
  void Clear();
  size_t size() const;
  // How often an account had to be loaded because it was not here.
  uint64_t loads() const { return loads_.load(std::memory_order_relaxed); }

 private:
  struct Shard;
  Shard& ShardOf(const AccountId& account) const;

  const size_t shard_capacity_;
  const std::unique_ptr<Shard[]> shards_;
  const size_t shard_count_;
  std::atomic<uint64_t> loads_{0};
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEY_CACHE_H_
