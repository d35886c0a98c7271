#ifndef COMITY_STORAGE_PEER_STORAGE_H_
#define COMITY_STORAGE_PEER_STORAGE_H_

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/object_record.h"
#include "services/common/statement/statement.h"
#include "services/storage/incoming.h"

namespace comity::storage {

// One CopyObjects stream at the source. First everything that the destination holds, then what it
// is to hold. Not thread-safe.
class CopyStream {
 public:
  virtual ~CopyStream() = default;
  // In order of object id; nothing at the end. To be read to its end before anything is sent.
  virtual absl::StatusOr<std::optional<HeldVersion>> NextHeld() = 0;
  // `first`: its bytes, or the first of them, up to a chunk of 1 MiB.
  virtual absl::Status Send(const ObjectRecord& record, std::string_view first) = 0;
  virtual absl::Status SendChunk(std::string_view chunk) = 0;
  virtual absl::Status SendDeletion(const ObjectId& object) = 0;
  // OK when the destination has confirmed that everything that was sent is durable.
  virtual absl::Status Finish() = 0;
};

// The storage of another region, as the coordinator of a move needs it. Thread-safe; calls block.
// PEER_UNAVAILABLE and the like may be retried; the refusals are the destination's (incoming.h).
class PeerStorage {
 public:
  virtual ~PeerStorage() = default;
  virtual absl::Status Prepare(const RegionId& region, const PrepareCommand& command) = 0;
  // `urgent`: reads and writes wait for it, so that it must end soon, one way or the other.
  virtual absl::StatusOr<std::unique_ptr<CopyStream>> Copy(const RegionId& region,
                                                           const AccountId& account,
                                                           AccountEpoch epoch, bool urgent) = 0;
  virtual absl::StatusOr<ConfirmedManifest> Confirm(const RegionId& region,
                                                    const AccountId& account, AccountEpoch epoch,
                                                    const Statement& manifest,
                                                    const Statement& endorsement) = 0;
  virtual absl::StatusOr<std::vector<Statement>> Deliver(
      const RegionId& region, const AccountId& account,
      const std::vector<Statement>& statements) = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_PEER_STORAGE_H_
