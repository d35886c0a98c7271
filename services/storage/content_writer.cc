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
  for (const Segment& segment : under_way_) segment.written->Wait();
  if (kept_ || extent_.segments == 0) return;
  // Pages of every level that exists, the last ones included; whatever fails here is an orphan.
  extent_.depth = static_cast<uint8_t>(levels_.size());
  DeleteUpload(*blobs_, account_, extent_).IgnoreError();
}

absl::Status ContentWriter::Write(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    // Not before more bytes come: what is done with the last one is another thing.
    if (segment_.size() == kSegmentBytes) RETURN_IF_ERROR(FlushSegment());
    // Of a small object there is only one piece.
    if (size_ > bytes.size()) segment_.reserve(kSegmentBytes);
    const size_t take = std::min(bytes.size(), kSegmentBytes - segment_.size());
    segment_.append(bytes.substr(0, take));
    bytes.remove_prefix(take);
  }
  return absl::OkStatus();
}

absl::StatusOr<WrittenContent> ContentWriter::Finish() {
  if (size_ == 0) return Refuse(Reason::kFieldInvalid, "an object has at least one byte");
  const uint64_t last = extent_.segments++;
  Sha256Hasher hasher = HasherOfSegment(last, DigestOf(last_hashing_));
  hasher.Update(segment_);
  const Digest digest = std::move(hasher).Finish();
  RETURN_IF_ERROR(WriteBlob(0, last, segment_));
  RETURN_IF_ERROR(Await(0));
  RETURN_IF_ERROR(AddRef({static_cast<uint32_t>(segment_.size()), digest}));
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

Digest ContentWriter::DigestOf(const std::shared_ptr<Hashing>& hashing) {
  return hashing == nullptr ? Digest() : hashing->Wait();
}

absl::Status ContentWriter::FlushSegment() {
  // Counted before it is written: a failed write may have happened.
  const uint64_t index = extent_.segments++;
  const auto bytes = std::make_shared<const std::string>(std::move(segment_));
  segment_.clear();
  last_hashing_ = Hashing::Start(tasks_, [before = last_hashing_, index, bytes] {
    // May wait: the one before was submitted before, so that it has begun.
    Sha256Hasher hasher = HasherOfSegment(index, DigestOf(before));
    hasher.Update(*bytes);
    return hasher.Intermediate();
  });
  under_way_.push_back(
      {static_cast<uint32_t>(bytes->size()), last_hashing_,
       Writing::Start(tasks_, [this, index, bytes] { return WriteBlob(0, index, *bytes); })});
  return Await(tasks_ == nullptr ? 0 : kUnderWay - 1);
}

absl::Status ContentWriter::Await(size_t left) {
  while (under_way_.size() > left) {
    const Segment oldest = std::move(under_way_.front());
    under_way_.pop_front();
    RETURN_IF_ERROR(oldest.written->Wait());
    RETURN_IF_ERROR(AddRef({oldest.size, oldest.digest->Wait()}));
  }
  return absl::OkStatus();
}

absl::Status ContentWriter::AddRef(const BlobRef& ref) {
  levels_[0].refs.push_back(ref);
  for (size_t level = 0; levels_[level].refs.size() == kPageRefs; ++level) {
    RETURN_IF_ERROR(FlushPage(level));
  }
  return absl::OkStatus();
}

absl::Status ContentWriter::FlushPage(size_t level) {
  if (level + 1 == levels_.size()) levels_.emplace_back();
  const uint64_t index = levels_[level].pages++;
  const std::string page = EncodePage(levels_[level].refs);
  RETURN_IF_ERROR(WriteBlob(static_cast<uint8_t>(level + 1), index, page));
  levels_[level].refs.clear();
  levels_[level + 1].refs.push_back({static_cast<uint32_t>(page.size()), Sha256Digest(page)});
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteBlob(uint8_t level, uint64_t index, std::string_view bytes) const {
  return blobs_->PutIfAbsentOrEqual(BlobName(account_, extent_.upload, level, index), bytes);
}

}  // namespace comity::storage
