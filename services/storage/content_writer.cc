#include "services/storage/content_writer.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

ContentWriter::ContentWriter(BlobStore* blobs, const AccountId& account)
    : blobs_(blobs),
      account_(account),
      start_(std::chrono::steady_clock::now()),
      extent_{.upload = UploadId::Random(), .segments = 0, .depth = 0},
      levels_(1) {}

ContentWriter::~ContentWriter() {
  if (kept_ || extent_.segments == 0) return;
  // Pages of every level that exists, the last ones included; whatever fails here is an orphan.
  extent_.depth = static_cast<uint8_t>(levels_.size());
  DeleteUpload(*blobs_, account_, extent_).IgnoreError();
}

absl::Status ContentWriter::Write(std::string_view bytes) {
  hasher_.Update(bytes);
  size_ += bytes.size();
  while (!bytes.empty()) {
    const size_t take = std::min(bytes.size(), kSegmentBytes - segment_.size());
    segment_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
    if (segment_.size() == kSegmentBytes) RETURN_IF_ERROR(FlushSegment());
  }
  return absl::OkStatus();
}

absl::StatusOr<WrittenContent> ContentWriter::Finish() {
  if (size_ == 0) return Refuse(Reason::kFieldInvalid, "an object has at least one byte");
  if (!segment_.empty()) RETURN_IF_ERROR(FlushSegment());
  size_t level = 0;
  // Pages were only needed when the references of some level do not fit at the top.
  for (; levels_[level].pages > 0 || levels_[level].refs.size() > kTopRefs; ++level) {
    if (!levels_[level].refs.empty()) RETURN_IF_ERROR(FlushPage(level));
  }
  if (std::chrono::steady_clock::now() - start_ > kMaxAge) {
    return Refuse(Reason::kDeadline, "the upload took too long");
  }
  extent_.depth = static_cast<uint8_t>(level);
  return WrittenContent{{extent_, levels_[level].refs}, size_, std::move(hasher_).Finish()};
}

absl::Status ContentWriter::FlushSegment() {
  // Counted before it is written: a failed write may have happened.
  const uint64_t index = extent_.segments++;
  ASSIGN_OR_RETURN(const BlobRef ref, WriteBlob(0, index, segment_));
  segment_.clear();
  levels_[0].refs.push_back(ref);
  for (size_t level = 0; levels_[level].refs.size() == kPageRefs; ++level) {
    RETURN_IF_ERROR(FlushPage(level));
  }
  return absl::OkStatus();
}

absl::Status ContentWriter::FlushPage(size_t level) {
  if (level + 1 == levels_.size()) levels_.emplace_back();
  const uint64_t index = levels_[level].pages++;
  ASSIGN_OR_RETURN(const BlobRef ref, WriteBlob(static_cast<uint8_t>(level + 1), index,
                                                EncodePage(levels_[level].refs)));
  levels_[level].refs.clear();
  levels_[level + 1].refs.push_back(ref);
  return absl::OkStatus();
}

absl::StatusOr<BlobRef> ContentWriter::WriteBlob(uint8_t level, uint64_t index,
                                                 std::string_view bytes) {
  RETURN_IF_ERROR(
      blobs_->PutIfAbsentOrEqual(BlobName(account_, extent_.upload, level, index), bytes));
  return BlobRef{static_cast<uint32_t>(bytes.size()), Sha256Digest(bytes)};
}

}  // namespace comity::storage
