#ifndef COMITY_CUSTODY_ACCOUNT_H_
#define COMITY_CUSTODY_ACCOUNT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/device_chain.h"
#include "services/common/statement/key_grant.h"
#include "services/common/statement/statement.h"

// Everything that one custody keeps about one account, as plain values. Rules are elsewhere.
namespace comity::custody {

// Where a key version stands: a move changes it, its owner does not.
enum class KeyState : uint8_t {
  kActive = 1,
  kReleased = 2,   // to another region
  kInactive = 3,   // received and not yet released by its source
  kDestroyed = 4,  // the sealed bytes are gone
};

// What the owner has said about a key version; it goes with the key when that moves.
struct OwnersWord {
  bool disabled = false;      // opens and wraps nothing until the owner enables it
  UnixMillis destroy_at = 0;  // 0: never; else disabled until it is destroyed then
  bool operator==(const OwnersWord&) const = default;
};

struct KeyRecord {
  AccountEpoch epoch = 0;  // the account epoch in which it was made or received here
  KeyVersion version = 0;
  KeyState state = KeyState::kActive;
  UnixMillis created = 0;    // of the key, wherever that was
  UnixMillis destroyed = 0;  // 0 while it exists
  std::string sealed;        // under the root; empty once destroyed
  OwnersWord word;
  bool exists() const { return state != KeyState::kDestroyed; }
};

enum class Presence : uint8_t {
  kNone = 1,      // no key of the account was ever active here
  kActive = 2,    // this custody serves it
  kReleased = 3,  // served by another region since this one's release
  kClosed = 4,    // its keys are destroyed for good
};

struct Closing {
  uint64_t close_number = 0;
  UnixMillis destroy_time = 0;
  Statement statement;  // key.closing
};

// What another service signed, and its operator's word for the key it signed with.
struct Endorsed {
  Statement statement;
  Statement endorsement;
};

// Keys on their way: made once, sent until the destination answers.
struct SentExport {
  Statement statement;  // key.export
  std::string sealed_keys;
};

enum class DecisionKind : uint8_t { kReleased = 1, kAborted = 2 };
// The record that ends a move. Written once for an epoch and never changed.
struct Decision {
  DecisionKind kind = DecisionKind::kAborted;
  Statement statement;  // key.release or key.abort
};

// The newest move away from here: from the moment the fence became known, or, where the keys alone
// move to where the data is, from the moment they were sealed.
struct Outgoing {
  AccountEpoch epoch = 0;
  RegionId destination;
  Digest consent;
  Digest manifest_root;  // zero when the keys alone move
  UnixMillis fenced_at = 0;
  std::optional<Statement> fence;  // absent when the keys alone move: no data, nothing to fence
  std::optional<Statement> source_manifest;
  std::optional<Statement> destination_manifest;
  std::optional<SentExport> sent;
  std::optional<Endorsed> receipt;
  std::optional<Decision> decision;
  std::optional<Endorsed> activation;  // the destination's, once the release reached it
  UnixMillis activated_at = 0;
  bool keys_alone() const { return !fence.has_value(); }
};

// Keys that arrived and wait for the signed release.
struct Incoming {
  AccountEpoch epoch = 0;
  RegionId source;
  Digest consent;
  Digest key_export;
  Statement receipt;
};

// An abort that its destination has not confirmed yet.
struct UntoldAbort {
  RegionId destination;
  Statement abort;
};

// A change of the key's versions that a device asked for. Kept for a day, so that a repeat of the
// request gets the same answer.
struct AnsweredChange {
  SigningKeyId device;
  RequestId request;
  UnixMillis time = 0;
  Statement statement;  // key.rotation or key.change
};

// Who else may use the account's key, as one of its devices has said; kept for some time after its
// end, so that what was revoked cannot be given again with the same statement.
struct GrantRecord {
  UnixMillis taken = 0;
  UnixMillis revoked = 0;  // 0: it was not
  Statement statement;     // key.grant
  Statement receipt;       // key.grant-receipt
  std::optional<Statement> revocation;
  std::optional<Statement> revocation_receipt;
  // What `statement` says.
  SigningKeyId device;
  UnixMillis end = 0;
  KeyGrant body;
};

// Copyable value. Sealed keys only: nothing here is secret in the clear.
struct Account {
  AccountId id;
  uint64_t version = 0;  // of the stored record; 0 = never stored
  Presence presence = Presence::kNone;
  AccountEpoch epoch = 0;  // the newest in which the key was active here
  std::string territory;
  std::optional<RegionId> data_region;  // exclave: where the data is; absent: here
  std::optional<DeviceChain> chain;
  std::string chain_vouch;  // KeySealer::Vouch() for the chain; empty: it is verified when read
  std::optional<Statement> fork;             // a second entry with a known number: evidence
  std::map<uint64_t, Statement> statements;  // numbered device statements
  std::vector<KeyRecord> keys;               // by epoch, then version
  std::map<AccountEpoch, std::string> metadata_keys;  // private halves, sealed under the root
  std::string metadata_public_key;
  std::optional<Statement> activation;  // key.activation of this custody
  std::optional<Closing> closing;
  std::optional<Outgoing> outgoing;
  AccountEpoch last_decided = 0;
  std::vector<UntoldAbort> untold_aborts;
  std::optional<Incoming> incoming;
  std::map<RegionId, AccountEpoch> aborted_incoming;  // newest epoch that each source called off
  std::map<AccountEpoch, Statement> destructions;     // key.destruction, the newest few
  std::vector<Statement> version_destructions;  // key.version-destruction, the newest few in order
  KeyVersion min_unwrap_version = 1;            // nothing older opens anything
  uint32_t rotation_days = 0;           // from one version to the next that makes itself; 0: never
  std::vector<AnsweredChange> changes;  // of the last day, oldest first
  std::map<GrantId, GrantRecord> grants;  // none unless it is active here and not closing
  uint64_t leaves = 0;                    // lifecycle leaves so far
  Digest last_leaf;

  bool exists() const { return version != 0; }
  bool deciding() const { return outgoing.has_value() && !outgoing->decision.has_value(); }
  bool released() const {
    return outgoing.has_value() && outgoing->decision.has_value() &&
           outgoing->decision->kind == DecisionKind::kReleased;
  }
};

// How many numbered device statements an account may have.
inline constexpr size_t kMaxDeviceStatements = 256;
// How long after `close` the keys live on.
inline constexpr int64_t kClosingPeriodMs = 30 * kDayMs;
// How long after the destination's activation the source keeps its disabled copy when no device
// says that it read its data back.
inline constexpr int64_t kReadBackPeriodMs = 30 * kDayMs;
// A move is called off when it is not decided this long after the fence became known.
inline constexpr int64_t kDecisionPeriodMs = 30 * kSecondMs;
// A move of the keys alone that was called off begins again after this, while its consent holds.
inline constexpr int64_t kKeyMoveRetryMs = kHourMs;
// An attestation says what is so now; after this it is only history.
inline constexpr int64_t kLocationLifetimeMs = 7 * kDayMs;
// How long a repeat of a change of key versions is known as one, and how many of them it may be.
inline constexpr int64_t kChangeMemoryMs = kDayMs;
inline constexpr size_t kMaxChangesRemembered = 128;
inline constexpr size_t kMaxChangesOfDevice = 64;
// How many grants an account may have that have not ended, and with those that have ended lately.
inline constexpr size_t kMaxGrants = 64;
inline constexpr size_t kMaxGrantsKept = 128;
// A grant is given within this after it was signed, and remembered for longer than that after its
// end.
inline constexpr int64_t kGrantFreshMs = kHourMs;
inline constexpr int64_t kGrantMemoryMs = kDayMs;
inline constexpr int64_t kTransportKeyLifetimeMs = 10 * kMinuteMs;

// One legal use, kept for ever: a repeat of the authorisation gets the same answer.
struct LegalUse {
  Digest authorisation;
  std::string sealed_answer;
  std::string leaf;
  std::string receipt;                       // C2SP tlog-proof@v1
  std::map<std::string, std::string> salts;  // openings of the leaf's commitments
};

// Opens a lifecycle leaf's commitments. Kept with the account; destroying it is forgetting.
struct LeafOpening {
  uint64_t number = 0;
  uint64_t log_index = 0;
  std::string leaf;
  std::map<std::string, std::string> salts;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ACCOUNT_H_
