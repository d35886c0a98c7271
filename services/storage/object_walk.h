#ifndef COMITY_STORAGE_OBJECT_WALK_H_
#define COMITY_STORAGE_OBJECT_WALK_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "absl/status/statusor.h"

#include "services/storage/account_store.h"
#include "services/storage/object_store.h"

namespace comity::storage {

// All objects of an account in order of id, a page at a time. What changes meanwhile is seen or
// not; with the gates closed it is exact. Not thread-safe.
class ObjectWalk final {
 public:
  // `objects` outlives the walk.
  ObjectWalk(ObjectStore* objects, const AccountSnapshot& account)
      : objects_(objects), account_(account.account), buckets_(account.buckets) {}

  // Nothing at the end.
  absl::StatusOr<std::optional<StoredObject>> Next();

 private:
  ObjectStore* const objects_;
  const AccountId account_;
  std::set<uint8_t> buckets_;  // still to be walked
  std::optional<ObjectId> last_;
  std::deque<StoredObject> page_;
};

// What a storage holds of an account: the body of data.manifest.
struct Manifest {
  Digest root;
  uint64_t versions = 0;
  uint64_t bytes = 0;
};
absl::StatusOr<Manifest> ComputeManifest(ObjectStore& objects, const AccountSnapshot& account);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_OBJECT_WALK_H_
