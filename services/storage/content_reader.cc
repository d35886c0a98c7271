#include "services/storage/content_reader.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

ContentReader::ContentReader(BlobStore* blobs, const AccountId& account, ContentTree tree,
                             uint64_t size)
    : blobs_(blobs),
      account_(account),
      tree_(std::move(tree)),
      size_(size),
      pages_(tree_.extent.depth) {}

absl::Status ContentReader::Seek(uint64_t offset) {
  if (offset > size_) return Refuse(Reason::kFieldInvalid, "offset is beyond the end");
  position_ = offset;
  return absl::OkStatus();
}

absl::StatusOr<std::string> ContentReader::Next() {
  if (position_ >= size_) return std::string();
  const uint64_t index = position_ / kSegmentBytes;
  ASSIGN_OR_RETURN(std::string segment, ReadBlob(0, index));
  const uint64_t skip = position_ % kSegmentBytes;
  if (skip >= segment.size()) return Refuse(Reason::kDataCorrupt, "segment is too short");
  segment.erase(0, skip);
  position_ += segment.size();
  return segment;
}

absl::StatusOr<BlobRef> ContentReader::Find(uint8_t level, uint64_t index) {
  if (level == tree_.extent.depth) {
    if (index >= tree_.top.size()) return Refuse(Reason::kDataCorrupt, "no such reference");
    return tree_.top[index];
  }
  Page& page = pages_[level];
  if (page.refs.empty() || page.index != index / kPageRefs) {
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadBlob(static_cast<uint8_t>(level + 1), index / kPageRefs));
    ASSIGN_OR_RETURN(page.refs, DecodePage(bytes));
    page.index = index / kPageRefs;
  }
  if (index % kPageRefs >= page.refs.size()) {
    return Refuse(Reason::kDataCorrupt, "no such reference");
  }
  return page.refs[index % kPageRefs];
}

absl::StatusOr<std::string> ContentReader::ReadBlob(uint8_t level, uint64_t index) {
  ASSIGN_OR_RETURN(const BlobRef ref, Find(level, index));
  absl::StatusOr<std::string> bytes =
      blobs_->Get(BlobName(account_, tree_.extent.upload, level, index));
  if (ReasonOf(bytes.status()) == Reason::kObjectNotFound) {
    return Refuse(Reason::kDataCorrupt, "a blob is missing");
  }
  RETURN_IF_ERROR(bytes.status());
  if (bytes->size() != ref.size || Sha256Digest(*bytes) != ref.digest) {
    return Refuse(Reason::kDataCorrupt, "a blob is not what was written");
  }
  return bytes;
}

}  // namespace comity::storage
