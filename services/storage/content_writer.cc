#include "services/storage/content_writer.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

ContentWriter::ContentWriter(BlobStore* blobs, const AccountId& account, TaskPool* tasks)
    : blobs_(blobs),
      tasks_(tasks),
      account_(account),
      start_(std::chrono::steady_clock::now()),
      extent_{.upload = UploadId::Random(), .segments = 0, .depth = 0},
      levels_(1) {}

ContentWriter::~ContentWriter() {
  // They use this object, and what they write is to be deleted.
  for (const auto& writing : under_way_) writing->Wait();
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
  Digest digest = std::move(hasher_).Finish();
  if (extent_.segments == 0) {
    // All there is: nothing to do beside it, and its digest is known already.
    extent_.segments = 1;
    RETURN_IF_ERROR(blobs_->PutIfAbsentOrEqual(BlobName(account_, extent_.upload, 0, 0), segment_));
    levels_[0].refs.push_back({static_cast<uint32_t>(segment_.size()), digest});
  } else if (!segment_.empty()) {
    RETURN_IF_ERROR(FlushSegment());
  }
  RETURN_IF_ERROR(Await(0));
  size_t level = 0;
  // Pages were only needed when the references of some level do not fit at the top.
  for (; levels_[level].pages > 0 || levels_[level].refs.size() > kTopRefs; ++level) {
    if (!levels_[level].refs.empty()) RETURN_IF_ERROR(FlushPage(level));
  }
  if (std::chrono::steady_clock::now() - start_ > kMaxAge) {
    return Refuse(Reason::kDeadline, "the upload took too long");
  }
  extent_.depth = static_cast<uint8_t>(level);
  return WrittenContent{{extent_, levels_[level].refs}, size_, digest};
}

absl::Status ContentWriter::FlushSegment() {
  // Counted before it is written: a failed write may have happened.
  const uint64_t index = extent_.segments++;
  auto bytes = std::make_shared<const std::string>(std::move(segment_));
  segment_.clear();
  under_way_.push_back(Writing::Start(
      tasks_, [this, index, bytes = std::move(bytes)] { return WriteBlob(0, index, *bytes); }));
  return Await(tasks_ == nullptr ? 0 : kUnderWay - 1);
}

absl::Status ContentWriter::Await(size_t left) {
  while (under_way_.size() > left) {
    const std::shared_ptr<Writing> oldest = std::move(under_way_.front());
    under_way_.pop_front();
    ASSIGN_OR_RETURN(const BlobRef ref, oldest->Wait());
    levels_[0].refs.push_back(ref);
    for (size_t level = 0; levels_[level].refs.size() == kPageRefs; ++level) {
      RETURN_IF_ERROR(FlushPage(level));
    }
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
                                                 std::string_view bytes) const {
  RETURN_IF_ERROR(
      blobs_->PutIfAbsentOrEqual(BlobName(account_, extent_.upload, level, index), bytes));
  return BlobRef{static_cast<uint32_t>(bytes.size()), Sha256Digest(bytes)};
}

}  // namespace comity::storage
