#ifndef COMITY_STORAGE_STORED_OBJECT_STORE_H_
#define COMITY_STORAGE_STORED_OBJECT_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "services/common/store/record_store.h"
#include "services/storage/object_store.h"

namespace comity::storage {

// ObjectStore over partitions "objects/<account>/<bucket>". Keys: "gate"; "sum"; "o/<object id>";
// "m/<caller key id><method><request id>"; "g/<upload>".
class StoredObjectStore final : public ObjectStore {
 public:
  // `records` outlives the store.
  explicit StoredObjectStore(RecordStore* records) : records_(records) {}

  absl::StatusOr<BucketView> Read(const AccountId& account, const ObjectId& object,
                                  const std::optional<MemoKey>& memo) override;
  absl::Status Write(const AccountId& account, const ObjectId& object, const BucketView& view,
                     const BucketChange& change) override;
  absl::StatusOr<ObjectPage> List(const AccountId& account, uint8_t bucket,
                                  const std::optional<ObjectId>& after, size_t limit) override;
  absl::StatusOr<BucketSum> Sum(const AccountId& account, uint8_t bucket) override;
  absl::StatusOr<std::optional<Gate>> GetGate(const AccountId& account, uint8_t bucket) override;
  absl::Status SetGate(const AccountId& account, uint8_t bucket, const std::optional<Gate>& from,
                       const Gate& to) override;
  absl::Status Clear(const AccountId& account, uint8_t bucket, const Gate& gate) override;
  absl::StatusOr<std::vector<GoneUpload>> Gone(const AccountId& account, uint8_t bucket,
                                               const std::optional<UploadId>& after) override;
  absl::Status ForgetGone(const AccountId& account, uint8_t bucket,
                          const std::vector<UploadId>& uploads) override;
  absl::StatusOr<bool> ForgetMemos(const AccountId& account, uint8_t bucket,
                                   UnixMillis before) override;

 private:
  RecordStore* const records_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_OBJECT_STORE_H_
