#ifndef COMITY_STORAGE_ACCOUNT_RECORD_H_
#define COMITY_STORAGE_ACCOUNT_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/common/status/reason.h"

// What one storage records of an account, as plain values.
namespace comity::storage {

// Closing is not a state of its own: it is read from the statements (account_view.h).
enum class AccountState : uint8_t { kActive = 1, kIncoming = 2, kMoved = 3, kClosed = 4 };

struct AccountInfo {
  AccountState state = AccountState::kActive;
  AccountEpoch epoch = 0;      // of the newest activation known; 0 while it first arrives
  RegionId serving;            // as far as this storage knows
  UnixMillis create_time = 0;  // when this storage first knew it
  UnixMillis notified_time = 0;
  UnixMillis destroy_time = 0;  // kMoved: when the copy here may go without a read-back
  bool data_here = false;       // objects in this storage's stores
  uint64_t leaves = 0;          // lifecycle leaves in the log, chained by `newest_leaf`
  Digest newest_leaf;
  uint32_t statements = 0;         // length of the history
  AccountEpoch aborted_epoch = 0;  // highest of a move that was aborted
  // An erasure that was begun and logged: how many object versions there were.
  std::optional<uint64_t> erasing;
  friend bool operator==(const AccountInfo&, const AccountInfo&) = default;
};

// Reads and writes wait for the decision about this epoch.
struct Fence {
  AccountEpoch epoch = 0;
  UnixMillis time = 0;
  friend bool operator==(const Fence&, const Fence&) = default;
};

// Numbers as in comity.storage.v1.MoveStep; kQueued = not begun.
enum class MoveStep : uint8_t {
  kQueued = 0,
  kPrepared = 1,
  kDataCopied = 2,
  kFenced = 3,
  kKeysMoved = 4,
  kCutOver = 5,
  kDestroyed = 6,
  kTold = 7,
  kAborted = 8,
};

// The newest move away from here. Every step is durable in it before the next begins.
struct MoveRecord {
  RequestId migration;
  AccountEpoch epoch = 0;
  RegionId destination;
  Digest consent;
  MoveStep step = MoveStep::kQueued;
  UnixMillis create_time = 0;
  UnixMillis fence_time = 0;
  std::optional<Statement> fence;
  std::optional<Statement> source_manifest;
  std::optional<Statement> destination_manifest;
  std::optional<Statement> destination_endorsement;
  uint64_t versions = 0;  // in the manifest
  uint64_t objects = 0;   // copied over all passes
  uint64_t bytes = 0;
  uint32_t pause_ms = 0;
  Reason failure = Reason::kUnspecified;
  bool destination_told = false;  // of the outcome
  bool finished = false;
  friend bool operator==(const MoveRecord&, const MoveRecord&) = default;
};

// A move to here that has not ended.
struct IncomingRecord {
  AccountEpoch epoch = 0;
  RegionId source;
  Digest consent;
  UnixMillis consent_expiry = 0;
  std::optional<Digest> confirmed_root;  // both storages signed it
  std::optional<Statement> manifest;     // ours
  bool void_consent = false;             // taken back in time: nothing more is accepted
  friend bool operator==(const IncomingRecord&, const IncomingRecord&) = default;
};

// What opens one leaf of the log; forgetting the salt is what forgetting the leaf means.
struct LeafOpening {
  std::string leaf;
  std::string salt;
  uint64_t index = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_RECORD_H_
