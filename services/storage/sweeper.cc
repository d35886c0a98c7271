#include "services/storage/sweeper.h"

#include <optional>
#include <string>
#include <vector>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/object_walk.h"

namespace comity::storage {

absl::StatusOr<std::set<UploadId>> Sweeper::Pinned(const AccountId& account) {
  std::set<UploadId> pinned;
  ASSIGN_OR_RETURN(const std::vector<LegalUse> uses, legal_->List(account));
  for (const LegalUse& use : uses) {
    if (site_.Now() >= use.pin_end) continue;
    for (const StoredObject& object : use.answer.objects) {
      pinned.insert(object.tree.extent.upload);
    }
  }
  return pinned;
}

absl::Status Sweeper::Sweep(const AccountId& account) {
  ASSIGN_OR_RETURN(const SnapshotPtr snapshot, accounts_->Load(account));
  if (snapshot == nullptr || !snapshot->info.data_here) return absl::OkStatus();
  const UnixMillis now = site_.Now();
  std::optional<std::set<UploadId>> pinned;
  for (const uint8_t bucket : snapshot->buckets) {
    std::optional<UploadId> after;
    for (;;) {
      ASSIGN_OR_RETURN(const std::vector<GoneUpload> gone, objects_->Gone(account, bucket, after));
      if (gone.empty()) break;
      after = gone.back().extent.upload;
      std::vector<UploadId> deleted;
      for (const GoneUpload& upload : gone) {
        if (upload.time > now - kGoneMs) continue;
        if (!pinned.has_value()) {
          ASSIGN_OR_RETURN(pinned, Pinned(account));
        }
        if (pinned->contains(upload.extent.upload)) continue;
        RETURN_IF_ERROR(DeleteUpload(*blobs_, account, upload.extent));
        deleted.push_back(upload.extent.upload);
      }
      RETURN_IF_ERROR(objects_->ForgetGone(account, bucket, deleted));
    }
    for (bool more = true; more;) {
      ASSIGN_OR_RETURN(more, objects_->ForgetMemos(account, bucket, now - kMemoMs));
    }
  }
  return absl::OkStatus();
}

absl::Status Sweeper::SweepOrphans(const AccountId& account) {
  const UnixMillis old = real_time_->Now() - kOrphanMs;
  // Listed before the references are read: what is old by now and not referred to then never was.
  std::vector<std::pair<std::string, UploadId>> candidates;
  std::string cursor;
  for (;;) {
    ASSIGN_OR_RETURN(const auto page, blobs_->List(BlobFolder(account), cursor, 1000));
    for (const BlobStore::Entry& entry : page) {
      if (entry.modified >= old) continue;
      if (std::optional<UploadId> upload = UploadOfBlob(account, entry.name)) {
        candidates.emplace_back(entry.name, *std::move(upload));
      }
    }
    if (page.size() < 1000) break;
    cursor = page.back().name;
  }
  if (candidates.empty()) return absl::OkStatus();

  ASSIGN_OR_RETURN(std::set<UploadId> referred, Pinned(account));
  ASSIGN_OR_RETURN(const SnapshotPtr snapshot, accounts_->Load(account));
  if (snapshot != nullptr) {
    ObjectWalk walk(objects_, *snapshot);
    for (;;) {
      ASSIGN_OR_RETURN(const std::optional<StoredObject> object, walk.Next());
      if (!object.has_value()) break;
      referred.insert(object->tree.extent.upload);
    }
    for (const uint8_t bucket : snapshot->buckets) {
      std::optional<UploadId> after;
      for (;;) {
        ASSIGN_OR_RETURN(const std::vector<GoneUpload> gone,
                         objects_->Gone(account, bucket, after));
        if (gone.empty()) break;
        after = gone.back().extent.upload;
        for (const GoneUpload& upload : gone) referred.insert(upload.extent.upload);
      }
    }
  }
  for (const auto& [name, upload] : candidates) {
    if (!referred.contains(upload)) RETURN_IF_ERROR(blobs_->Delete(name));
  }
  return absl::OkStatus();
}

}  // namespace comity::storage
