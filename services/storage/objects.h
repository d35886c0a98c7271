#ifndef COMITY_STORAGE_OBJECTS_H_
#define COMITY_STORAGE_OBJECTS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/store/blob_store.h"
#include "services/storage/accounts.h"
#include "services/storage/content_reader.h"
#include "services/storage/content_writer.h"
#include "services/storage/object_store.h"

namespace comity::storage {

struct PutCommand {
  RequestId request;
  ObjectId object;
  ContentId content;
  uint64_t expected_version = 0;
  std::string wrapped_content_key;
  std::string wrapped_attributes_key;
  std::string sealed_attributes;
};

// Other wraps of the data keys of a stored version.
struct ReplaceKeysCommand {
  RequestId request;
  ObjectId object;
  uint64_t version = 0;
  ContentId content;
  std::string wrapped_content_key;
  std::string wrapped_attributes_key;
};

struct ListedObjects {
  std::vector<ObjectRecord> objects;  // ascending by id
  bool more = false;
};

class Objects;

// One put on its way. Nothing of it is visible before Finish() answered OK, and nothing stays when
// it goes before that. Not thread-safe; the Objects outlives it.
class Upload final {
 public:
  absl::Status Write(std::string_view chunk);
  // Durable and visible, or not at all. The access is checked again. CONFLICT, OBJECT_EXISTS and
  // OBJECT_NOT_FOUND as at the beginning; REQUEST_ID_REUSED when the request id was used for other
  // bytes; a repeat of the same put gets the same answer.
  absl::StatusOr<ObjectRecord> Finish();

 private:
  friend class Objects;
  Upload(Objects* objects, OwnerAccess access, PutCommand command, bool repeated);

  Objects* const objects_;
  const OwnerAccess access_;
  const PutCommand command_;
  std::optional<ContentWriter> writer_;  // none: a repeat, of which only the digest counts
  Sha256Hasher repeated_hasher_;
  uint64_t repeated_size_ = 0;
};

// One version being read. Not thread-safe; the Objects outlives it.
class Download final {
 public:
  const ObjectRecord& record() const { return record_; }
  // The next bytes, up to 4 MiB; empty at the end. Between segments the access is checked again.
  absl::StatusOr<std::string> Next();

 private:
  friend class Objects;
  Download(Objects* objects, OwnerAccess access, StoredObject object);

  Objects* const objects_;
  const OwnerAccess access_;
  const ObjectRecord record_;
  ContentReader reader_;
  bool started_ = false;
};

// Objects of an account, as its devices use them. Thread-safe.
class Objects final {
 public:
  // What is given outlives this.
  Objects(Site site, Accounts* accounts, AccountStore* account_store, ObjectStore* objects,
          BlobStore* blobs);

  // Expects `expected_version`: OBJECT_EXISTS, OBJECT_NOT_FOUND, CONFLICT.
  absl::StatusOr<std::unique_ptr<Upload>> BeginPut(const OwnerAccess& access, PutCommand command);

  // Only the newest version is kept: OBJECT_NOT_FOUND for every other. Version 0 = newest.
  absl::StatusOr<std::unique_ptr<Download>> Open(const OwnerAccess& access, const ObjectId& object,
                                                 uint64_t version, uint64_t offset);

  // After `after`, at most `limit` and about a mebibyte of records.
  absl::StatusOr<ListedObjects> List(const OwnerAccess& access,
                                     const std::optional<ObjectId>& after, size_t limit);

  // Nothing else of the version changes, and its bytes stay where they are. OBJECT_NOT_FOUND;
  // CONFLICT when another version or content is stored by now, or wraps under a later key version.
  // A repeat is OK.
  absl::Status ReplaceKeys(const OwnerAccess& access, const ReplaceKeysCommand& command);

  // Expected version 0: whatever it is. OBJECT_NOT_FOUND, CONFLICT. A repeat is OK.
  absl::Status Delete(const OwnerAccess& access, const RequestId& request, const ObjectId& object,
                      uint64_t expected_version);

 private:
  friend class Upload;
  friend class Download;

  // The gate that a commit of this access must find or make; lists the bucket before its first use.
  absl::StatusOr<std::optional<Gate>> PassGate(const OwnerAccess& access, const ObjectId& object,
                                               const BucketView& view);
  // One change of one object that moves no bytes, done once for a request: `change` fills in what
  // becomes of it, and sees it as it is.
  using Edit = std::function<absl::Status(const BucketView& view, BucketChange& change)>;
  absl::Status EditOnce(const OwnerAccess& access, const ObjectId& object, const MemoKey& memo,
                        const Digest& request_digest, const Edit& edit);
  // What became of the bytes of a put.
  enum class Fate : uint8_t { kNotStored, kStored, kUnknown };
  absl::StatusOr<ObjectRecord> Commit(const OwnerAccess& access, const PutCommand& command,
                                      const WrittenContent& content, Fate& fate);

  const Site site_;
  Accounts* const accounts_;
  AccountStore* const account_store_;
  ObjectStore* const objects_;
  BlobStore* const blobs_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_OBJECTS_H_
