#include "services/storage/content_reader.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {
namespace {

absl::Status NotWhatWasWritten() {
  return Refuse(Reason::kDataCorrupt, "a blob is not what was written");
}

}  // namespace

ContentReader::ContentReader(BlobStore* blobs, const AccountId& account, ContentTree tree,
                             uint64_t size, TaskPool* tasks)
    : blobs_(blobs),
      tasks_(tasks),
      account_(account),
      tree_(std::move(tree)),
      size_(size),
      pages_(tree_.extent.depth) {}

ContentReader::~ContentReader() { ForgetAhead(); }

void ContentReader::ForgetAhead() {
  for (const auto& reading : ahead_) reading->Wait();  // they use this object
  ahead_.clear();
}

absl::Status ContentReader::Seek(uint64_t offset) {
  if (offset > size_) return Refuse(Reason::kFieldInvalid, "offset is beyond the end");
  ForgetAhead();
  position_ = offset;
  return absl::OkStatus();
}

absl::StatusOr<std::string> ContentReader::Next() {
  if (position_ >= size_) return std::string();
  ReadAhead();
  const std::shared_ptr<Reading> next = std::move(ahead_.front());
  ahead_.pop_front();
  ASSIGN_OR_RETURN(std::string segment, std::move(next->Wait()));
  const uint64_t skip = position_ % kSegmentBytes;
  if (skip >= segment.size()) return Refuse(Reason::kDataCorrupt, "segment is too short");
  if (skip > 0) segment.erase(0, skip);
  position_ += segment.size();
  if (position_ < size_ && position_ % kSegmentBytes != 0) {
    return Refuse(Reason::kDataCorrupt, "segment is too short");
  }
  return segment;
}

void ContentReader::ReadAhead() {
  const size_t wanted = tasks_ == nullptr ? 1 : 1 + kAhead;
  const uint64_t end = (size_ + kSegmentBytes - 1) / kSegmentBytes;
  for (uint64_t index = position_ / kSegmentBytes + ahead_.size();
       ahead_.size() < wanted && index < end; ++index) {
    // The page that names it is read here: the task touches nothing that changes.
    absl::StatusOr<SegmentRef> segment = FindSegment(index);
    ahead_.push_back(Reading::Start(end == 1 ? nullptr : tasks_,
                                    [this, index, segment]() -> absl::StatusOr<std::string> {
                                      if (!segment.ok()) return segment.status();
                                      return ReadSegment(index, *segment);
                                    }));
  }
}

absl::StatusOr<BlobRef> ContentReader::Find(uint8_t level, uint64_t index) {
  if (level == tree_.extent.depth) {
    if (index >= tree_.top.size()) return Refuse(Reason::kDataCorrupt, "no such reference");
    return tree_.top[index];
  }
  Page& page = pages_[level];
  if (page.refs.empty() || page.index != index / kPageRefs) {
    ASSIGN_OR_RETURN(const std::string bytes,
                     ReadPage(static_cast<uint8_t>(level + 1), index / kPageRefs));
    ASSIGN_OR_RETURN(page.refs, DecodePage(bytes));
    page.index = index / kPageRefs;
  }
  if (index % kPageRefs >= page.refs.size()) {
    return Refuse(Reason::kDataCorrupt, "no such reference");
  }
  return page.refs[index % kPageRefs];
}

absl::StatusOr<ContentReader::SegmentRef> ContentReader::FindSegment(uint64_t index) {
  SegmentRef segment;
  // In this order: of two pages, the one that is needed again stays.
  if (index > 0) {
    ASSIGN_OR_RETURN(const BlobRef before, Find(0, index - 1));
    segment.before = before.digest;
  }
  ASSIGN_OR_RETURN(segment.ref, Find(0, index));
  return segment;
}

absl::StatusOr<std::string> ContentReader::ReadPage(uint8_t level, uint64_t index) {
  ASSIGN_OR_RETURN(const BlobRef ref, Find(level, index));
  ASSIGN_OR_RETURN(std::string bytes, Fetch(level, index, ref.size));
  if (Sha256Digest(bytes) != ref.digest) return NotWhatWasWritten();
  return bytes;
}

absl::StatusOr<std::string> ContentReader::ReadSegment(uint64_t index,
                                                       const SegmentRef& segment) const {
  ASSIGN_OR_RETURN(std::string bytes, Fetch(0, index, segment.ref.size));
  Sha256Hasher hasher = HasherOfSegment(index, segment.before);
  hasher.Update(bytes);
  const bool last = index + 1 == tree_.extent.segments;
  // Of all but the last one the writer stopped between two blocks.
  if (!last && bytes.size() != kSegmentBytes) return NotWhatWasWritten();
  const Digest after = last ? std::move(hasher).Finish() : hasher.Intermediate();
  if (after != segment.ref.digest) return NotWhatWasWritten();
  return bytes;
}

absl::StatusOr<std::string> ContentReader::Fetch(uint8_t level, uint64_t index,
                                                 uint32_t size) const {
  absl::StatusOr<std::string> bytes =
      blobs_->Get(BlobName(account_, tree_.extent.upload, level, index));
  if (ReasonOf(bytes.status()) == Reason::kObjectNotFound) {
    return Refuse(Reason::kDataCorrupt, "a blob is missing");
  }
  if (bytes.ok() && bytes->size() != size) return NotWhatWasWritten();
  return bytes;
}

}  // namespace comity::storage
