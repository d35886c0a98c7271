#ifndef COMITY_STORAGE_CONTENT_TREE_H_
#define COMITY_STORAGE_CONTENT_TREE_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/crypto/digest.h"
#include "services/common/ids/ids.h"
#include "services/common/store/blob_store.h"

// Where the bytes of one upload are (docs/storage.md, "Segments"): blobs of 4 MiB; when there are
// more than 16, their references fill pages, which are blobs too; and so on, so that an object may
// have any size while nothing is ever held whole.
namespace comity::storage {

// Names the blobs of one upload. Drawn anew for each, so that blobs of two uploads never meet.
struct UploadId {
  std::string text;  // 26 characters of base32
  static UploadId Random();
  friend auto operator<=>(const UploadId&, const UploadId&) = default;
};

inline constexpr size_t kSegmentBytes = kMaxBlobBytes;
static_assert(kSegmentBytes % Sha256Hasher::kBlockSize == 0);
inline constexpr size_t kTopRefs = 16;
inline constexpr size_t kPageRefs = 4096;

// The hasher of a segment, after all that come before it: `before` is the digest of the one before,
// of no meaning for the first.
Sha256Hasher HasherOfSegment(uint64_t index, const Digest& before);

struct BlobRef {
  uint32_t size = 0;
  // Of a page: SHA-256. Of a segment: the hash value of the content after it (Sha256Hasher::
  // Intermediate(); the last one's is the digest of the content), so that one pass over an upload
  // gives the digest that its owner signs and what each segment is compared with.
  Digest digest;
  friend bool operator==(const BlobRef&, const BlobRef&) = default;
};

// What blobs an upload made.
struct UploadExtent {
  UploadId upload;
  uint64_t segments = 0;
  uint8_t depth = 0;  // levels of pages above the segments
  friend bool operator==(const UploadExtent&, const UploadExtent&) = default;
};

struct ContentTree {
  UploadExtent extent;
  std::vector<BlobRef> top;  // 1 to kTopRefs; of the segments when depth = 0, else of pages
  friend bool operator==(const ContentTree&, const ContentTree&) = default;
};

// "objects/<account>/": every blob of an account.
std::string BlobFolder(const AccountId& account);
// Blob `index` of `level` (0 = segments) of an upload.
std::string BlobName(const AccountId& account, const UploadId& upload, uint8_t level,
                     uint64_t index);
// The upload that a blob of the account belongs to; nothing for blobs of other kinds.
std::optional<UploadId> UploadOfBlob(const AccountId& account, std::string_view name);

// References as the bytes of a page, and back (DATA_CORRUPT).
std::string EncodePage(const std::vector<BlobRef>& refs);
absl::StatusOr<std::vector<BlobRef>> DecodePage(std::string_view bytes);

// Deletes every blob of an upload. Repeatable.
absl::Status DeleteUpload(BlobStore& blobs, const AccountId& account, const UploadExtent& extent);
// Deletes every blob of the account. Repeatable.
absl::Status DeleteAllBlobs(BlobStore& blobs, const AccountId& account);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_CONTENT_TREE_H_
