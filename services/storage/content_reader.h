#ifndef COMITY_STORAGE_CONTENT_READER_H_
#define COMITY_STORAGE_CONTENT_READER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/store/blob_store.h"
#include "services/common/tasks/task_pool.h"
#include "services/storage/content_tree.h"

namespace comity::storage {

// Reads the segments of one content in order, from any of them, each compared with the digests
// before and after it. Holds one segment, kAhead more that are read meanwhile, and one page of
// references for each level. Not thread-safe.
class ContentReader final {
 public:
  static constexpr size_t kAhead = 2;

  // `blobs` outlives the reader, and so does `tasks`; null: nothing is read before it is asked for.
  // `size`: of the whole content.
  ContentReader(BlobStore* blobs, const AccountId& account, ContentTree tree, uint64_t size,
                TaskPool* tasks = nullptr);
  ~ContentReader();
  ContentReader(const ContentReader&) = delete;
  ContentReader& operator=(const ContentReader&) = delete;

  // Begins at this byte. FIELD_INVALID beyond the end.
  absl::Status Seek(uint64_t offset);
  // The next bytes, up to a segment; empty at the end. DATA_CORRUPT when a blob is missing or other
  // than it was.
  absl::StatusOr<std::string> Next();

 private:
  struct Page {
    uint64_t index = 0;
    std::vector<BlobRef> refs;
  };

  using Reading = Task<absl::StatusOr<std::string>>;

  // Begins to read segments until there are enough under way.
  void ReadAhead();
  // The reference of blob `index` of `level`.
  absl::StatusOr<BlobRef> Find(uint8_t level, uint64_t index);
  struct SegmentRef {
    BlobRef ref;
    Digest before;  // that of the segment before; of no meaning for the first
  };
  absl::StatusOr<SegmentRef> FindSegment(uint64_t index);
  absl::StatusOr<std::string> ReadPage(uint8_t level, uint64_t index);
  absl::StatusOr<std::string> ReadSegment(uint64_t index, const SegmentRef& segment) const;
  // A blob of this size.
  absl::StatusOr<std::string> Fetch(uint8_t level, uint64_t index, uint32_t size) const;
  void ForgetAhead();

  BlobStore* const blobs_;
  TaskPool* const tasks_;
  const AccountId account_;
  const ContentTree tree_;
  const uint64_t size_;
  uint64_t position_ = 0;
  std::deque<std::shared_ptr<Reading>> ahead_;  // the first is the segment of position_
  std::vector<Page> pages_;                     // the one last read of level 1, 2, …
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_CONTENT_READER_H_
