#include "services/storage/content_reader.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

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
    absl::StatusOr<BlobRef> ref = Find(0, index);
    ahead_.push_back(Reading::Start(end == 1 ? nullptr : tasks_,
                                    [this, index, ref]() -> absl::StatusOr<std::string> {
                                      if (!ref.ok()) return ref.status();
                                      return Fetch(0, index, *ref);
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
  return Fetch(level, index, ref);
}

absl::StatusOr<std::string> ContentReader::Fetch(uint8_t level, uint64_t index,
                                                 const BlobRef& ref) const {
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
