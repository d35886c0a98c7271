#include "tests/fakes/fake_blob_store.h"

#include <utility>

#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/blob_names.h"

namespace comity {
namespace {

absl::Status Unavailable() {
  return Refuse(Reason::kStoreUnavailable, "the fake was told to fail");
}

}  // namespace

void FakeBlobStore::FailNextPut(Fate fate) {
  absl::MutexLock lock(&mutex_);
  next_fate_ = fate;
}

void FakeBlobStore::SetUnavailable(bool unavailable) {
  absl::MutexLock lock(&mutex_);
  unavailable_ = unavailable;
}

void FakeBlobStore::Overwrite(std::string_view name, std::string_view bytes) {
  absl::MutexLock lock(&mutex_);
  const auto it = blobs_.find(name);
  COMITY_CHECK(it != blobs_.end());
  it->second.bytes = bytes;
}

absl::Status FakeBlobStore::CheckAvailable() const {
  return unavailable_ ? Unavailable() : absl::OkStatus();
}

absl::Status FakeBlobStore::PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) {
  RETURN_IF_ERROR(CheckBlobName(name));
  RETURN_IF_ERROR(CheckBlobBytes(bytes));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  const std::optional<Fate> fate = std::exchange(next_fate_, std::nullopt);
  if (fate == Fate::kNotApplied) return Unavailable();
  const UnixMillis now = clock_ != nullptr ? clock_->Now() : system_clock_.Now();
  const auto [it, created] = blobs_.try_emplace(std::string(name), Blob{std::string(bytes), now});
  if (!created && it->second.bytes != bytes) return Refuse(Reason::kConflict, "other bytes");
  return fate == Fate::kApplied ? Unavailable() : absl::OkStatus();
}

absl::StatusOr<std::string> FakeBlobStore::Get(std::string_view name) {
  RETURN_IF_ERROR(CheckBlobName(name));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  const auto it = blobs_.find(name);
  if (it == blobs_.end()) return Refuse(Reason::kObjectNotFound, "there is no such blob");
  return it->second.bytes;
}

absl::Status FakeBlobStore::Delete(std::string_view name) {
  RETURN_IF_ERROR(CheckBlobName(name));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  blobs_.erase(std::string(name));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BlobStore::Entry>> FakeBlobStore::List(std::string_view prefix,
                                                                  std::string_view cursor,
                                                                  size_t limit) {
  RETURN_IF_ERROR(CheckBlobList(prefix, cursor, limit));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  std::vector<Entry> entries;
  for (const auto& [name, blob] : blobs_) {
    if (entries.size() == limit) break;
    if (!name.starts_with(prefix) || name <= cursor) continue;
    entries.push_back({name, blob.modified, blob.bytes.size()});
  }
  return entries;
}

}  // namespace comity
