#ifndef COMITY_STORAGE_CONTENT_WRITER_H_
#define COMITY_STORAGE_CONTENT_WRITER_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/crypto/digest.h"
#include "services/common/ids/ids.h"
#include "services/common/store/blob_store.h"
#include "services/common/tasks/task_pool.h"
#include "services/storage/content_tree.h"

namespace comity::storage {

struct WrittenContent {
  ContentTree tree;
  uint64_t size = 0;
  Digest digest;  // SHA-256 of all bytes
};

// Streams one upload into segments: kUnderWay of them at most, which are hashed, one after the
// other, and written while the next is filled, and one page of references for each level are held
// in memory. Each byte is hashed once. What was written is deleted again when the writer goes,
// unless Keep() was called; a crash leaves blobs that nothing refers to, for the sweeper. Not
// thread-safe.
class ContentWriter final {
 public:
  // An upload that takes longer is refused when it ends (DEADLINE), so that the sweeper may take
  // blobs older than this for orphans.
  static constexpr std::chrono::hours kMaxAge{72};

  static constexpr size_t kUnderWay = 4;

  // `blobs` outlives the writer, and so does `tasks`; null: Write() itself writes what is full.
  ContentWriter(BlobStore* blobs, const AccountId& account, TaskPool* tasks = nullptr);
  ~ContentWriter();
  ContentWriter(const ContentWriter&) = delete;
  ContentWriter& operator=(const ContentWriter&) = delete;

  absl::Status Write(std::string_view bytes);
  // Every blob is durable afterwards. FIELD_INVALID for an upload of nothing.
  absl::StatusOr<WrittenContent> Finish();
  // Written or under way: full ones that more bytes came after.
  uint64_t segments() const { return extent_.segments; }
  // From now on somebody refers to the blobs, or may do so.
  void Keep() { kept_ = true; }

 private:
  struct Level {
    std::vector<BlobRef> refs;  // not yet in a page
    uint64_t pages = 0;         // written from this level
  };

  using Hashing = Task<Digest>;
  using Writing = Task<absl::Status>;
  struct Segment {
    uint32_t size = 0;
    std::shared_ptr<Hashing> digest;
    std::shared_ptr<Writing> written;
  };

  // Blocks. Zero for none.
  static Digest DigestOf(const std::shared_ptr<Hashing>& hashing);
  // Begins to hash and to write the segment, which is not the last one.
  absl::Status FlushSegment();
  // Ends the segments under way, the oldest first, until no more than `left` are.
  absl::Status Await(size_t left);
  absl::Status AddRef(const BlobRef& ref);
  // Moves the references of `level` into a page, and that page's reference one level up.
  absl::Status FlushPage(size_t level);
  absl::Status WriteBlob(uint8_t level, uint64_t index, std::string_view bytes) const;

  BlobStore* const blobs_;
  TaskPool* const tasks_;
  const AccountId account_;
  const std::chrono::steady_clock::time_point start_;
  UploadExtent extent_;
  uint64_t size_ = 0;
  std::string segment_;
  std::shared_ptr<Hashing> last_hashing_;  // of the segment before; none before the first
  std::deque<Segment> under_way_;          // in order
  std::vector<Level> levels_;
  bool kept_ = false;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_CONTENT_WRITER_H_
