#ifndef COMITY_STORAGE_OBJECT_STORE_H_
#define COMITY_STORAGE_OBJECT_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/object_record.h"
#include "services/storage/content_tree.h"

namespace comity::storage {

// Objects of an account lie in 256 buckets by the first byte of their id.
inline uint8_t BucketOf(const ObjectId& object) { return static_cast<uint8_t>(object.bytes()[0]); }

// Who may write in a bucket, in which account epoch. Every commit in a bucket is bound to the gate
// that it read, so that a writer of an earlier epoch, a straggling copy or a crashed process can
// never write after a fence, a confirmed manifest or an erasure, whenever it wakes up.
enum class GateKind : uint8_t {
  kOpen = 1,      // the account's devices
  kFenced = 2,    // nobody: fenced for this epoch, or erased
  kIncoming = 3,  // copies of the move with this epoch
  kSealed = 4,    // nobody: copied and confirmed; opens when the account is active in this epoch
};
struct Gate {
  GateKind kind = GateKind::kOpen;
  AccountEpoch epoch = 0;
  friend bool operator==(const Gate&, const Gate&) = default;
};

struct StoredObject {
  ObjectRecord record;
  ContentTree tree;
};

// How many objects a bucket has, and their ciphertext bytes.
struct BucketSum {
  uint64_t objects = 0;
  uint64_t bytes = 0;
};

// Names one mutation of one caller.
enum class Mutator : uint8_t { kPut = 1, kDelete = 2, kReplaceKeys = 3 };
struct MemoKey {
  SigningKeyId caller;
  Mutator method = Mutator::kPut;
  RequestId request;
};
// A mutation that was applied.
struct Memo {
  Digest request_digest;
  uint64_t version = 0;
  UnixMillis time = 0;
};

// What one commit decides on.
struct BucketView {
  uint64_t version = 0;  // of the partition; 0 = the bucket does not exist yet
  std::optional<Gate> gate;
  std::optional<StoredObject> object;
  std::optional<Memo> memo;
  BucketSum sum;
};

struct BucketChange {
  std::optional<Gate> gate;  // when it changes
  // Instead of the object that the view holds, whose bytes are gone unless it refers to them too.
  std::optional<StoredObject> put;
  bool erase = false;  // the object that the view holds
  UnixMillis now = 0;  // when what is replaced ceased to be referred to
  std::optional<std::pair<MemoKey, Memo>> memo;
};

struct ObjectPage {
  std::vector<StoredObject> objects;  // ascending by id
  bool more = false;
};

// An upload that no object refers to since `time`.
struct GoneUpload {
  UploadExtent extent;
  UnixMillis time = 0;
};

// Object records in buckets. Thread-safe; calls block. STORE_UNAVAILABLE, DATA_CORRUPT; OVERLOADED
// when a bucket is full.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual absl::StatusOr<BucketView> Read(const AccountId& account, const ObjectId& object,
                                          const std::optional<MemoKey>& memo) = 0;
  // Applies `change` to the object's bucket if that is still as in `view`, else CONFLICT.
  virtual absl::Status Write(const AccountId& account, const ObjectId& object,
                             const BucketView& view, const BucketChange& change) = 0;

  // Objects of one bucket after `after` (none: from the first), at most `limit`.
  virtual absl::StatusOr<ObjectPage> List(const AccountId& account, uint8_t bucket,
                                          const std::optional<ObjectId>& after, size_t limit) = 0;
  virtual absl::StatusOr<BucketSum> Sum(const AccountId& account, uint8_t bucket) = 0;

  // Nothing for a bucket that does not exist.
  virtual absl::StatusOr<std::optional<Gate>> GetGate(const AccountId& account, uint8_t bucket) = 0;
  // From `from` (none: the bucket does not exist) to `to`; CONFLICT when it is another by now.
  virtual absl::Status SetGate(const AccountId& account, uint8_t bucket,
                               const std::optional<Gate>& from, const Gate& to) = 0;
  // Forgets every record of the bucket and leaves only `gate`.
  virtual absl::Status Clear(const AccountId& account, uint8_t bucket, const Gate& gate) = 0;

  // Uploads that no object refers to any more, after `after` by id, at most 64.
  virtual absl::StatusOr<std::vector<GoneUpload>> Gone(const AccountId& account, uint8_t bucket,
                                                       const std::optional<UploadId>& after) = 0;
  // Forgets that they are gone: their bytes are deleted.
  virtual absl::Status ForgetGone(const AccountId& account, uint8_t bucket,
                                  const std::vector<UploadId>& uploads) = 0;
  // Forgets mutations applied before `before`, at most 64; says whether there may be more.
  virtual absl::StatusOr<bool> ForgetMemos(const AccountId& account, uint8_t bucket,
                                           UnixMillis before) = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_OBJECT_STORE_H_
