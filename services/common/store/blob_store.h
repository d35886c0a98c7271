#ifndef COMITY_COMMON_STORE_BLOB_STORE_H_
#define COMITY_COMMON_STORE_BLOB_STORE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"

// BlobStore: bulk bytes under names. Thread-safe; calls block; durable when they return. Every
// call: FIELD_INVALID for a malformed name, size or limit, STORE_UNAVAILABLE when the disk refuses.
namespace comity {

inline constexpr size_t kMaxBlobBytes = 4 << 20;
inline constexpr size_t kMaxBlobNameBytes = 200;
inline constexpr size_t kMaxBlobPageEntries = 10'000;  // the largest `limit` of List

class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // Stores a new blob of 1 byte to kMaxBlobBytes under `name` ([a-z0-9./_-], no empty or dot
  // component, <= kMaxBlobNameBytes; "a" and "a/b" may both be names). A name that holds the same
  // bytes is success; one that holds other bytes is CONFLICT. A blob is never seen in part.
  virtual absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) = 0;

  // OBJECT_NOT_FOUND if there is none. DATA_CORRUPT if its size cannot have been written here.
  virtual absl::StatusOr<std::string> Get(std::string_view name) = 0;

  // Success also when there is none.
  virtual absl::Status Delete(std::string_view name) = 0;

  struct Entry {
    std::string name;
    UnixMillis modified;  // real time of the write, for the sweep of unreferenced blobs by age
    uint64_t size;
  };
  // Names that start with `prefix` (a folder ending in '/', or empty for all), sorted by bytes,
  // after `cursor`, at most `limit` (1..kMaxBlobPageEntries).
  virtual absl::StatusOr<std::vector<Entry>> List(std::string_view prefix, std::string_view cursor,
                                                  size_t limit) = 0;
};

}  // namespace comity

#endif  // COMITY_COMMON_STORE_BLOB_STORE_H_
