#include "services/storage/object_walk.h"

#include <iterator>
#include <utility>

#include "services/common/log/root_builder.h"
#include "services/common/status/macros.h"

namespace comity::storage {

absl::StatusOr<std::optional<StoredObject>> ObjectWalk::Next() {
  constexpr size_t kPage = 128;
  while (page_.empty() && !buckets_.empty()) {
    ASSIGN_OR_RETURN(ObjectPage page, objects_->List(account_, *buckets_.begin(), last_, kPage));
    page_.assign(std::make_move_iterator(page.objects.begin()),
                 std::make_move_iterator(page.objects.end()));
    if (page.more) {
      last_ = page_.back().record.object;
    } else {
      buckets_.erase(buckets_.begin());
      last_.reset();
    }
  }
  if (page_.empty()) return std::optional<StoredObject>();
  std::optional<StoredObject> next(std::move(page_.front()));
  page_.pop_front();
  return next;
}

absl::StatusOr<Manifest> ComputeManifest(ObjectStore& objects, const AccountSnapshot& account) {
  Manifest manifest;
  merkle::RootBuilder root;
  ObjectWalk walk(&objects, account);
  for (;;) {
    ASSIGN_OR_RETURN(const std::optional<StoredObject> object, walk.Next());
    if (!object.has_value()) break;
    root.Add(ObjectRecordLeafHash(object->record));
    manifest.versions += 1;
    manifest.bytes += object->record.size;
  }
  manifest.root = root.Root();
  return manifest;
}

}  // namespace comity::storage
