#ifndef COMITY_COMMON_STATEMENT_CUSTODY_H_
#define COMITY_COMMON_STATEMENT_CUSTODY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/common/ids/ids.h"
#include "services/common/statement/account.h"
#include "services/common/statement/statement.h"

// What custody and storage services sign (Ed25519, endorsed by their operator). Envelope: subject =
// account id, region = the signer's region, number increasing per subject.
namespace comity {

// The account's key is active here, in this account epoch.
struct Activation {
  static constexpr std::string_view kType = "key.activation";
  AccountEpoch epoch = 0;
  uint64_t chain_number = 0;
  Digest chain_hash;
  KeyVersion newest_version = 0;
  std::string metadata_public_key;  // X25519, 32 bytes
  Digest release;                   // digest of key.release; zero at creation
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.chain_number), io(18, b.chain_hash), io(19, b.newest_version);
    io(20, b.metadata_public_key), io(21, b.release);
  }
};

// A key that an export is sealed to; envelope expiry ten minutes after its time.
struct TransportKey {
  static constexpr std::string_view kType = "key.transport";
  AccountEpoch epoch = 0;
  std::string public_key;  // X25519, 32 bytes
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.public_key);
  }
};

// Source custody exported the keys to this destination.
struct KeyExport {
  static constexpr std::string_view kType = "key.export";
  AccountEpoch epoch = 0;
  RegionId destination;
  Digest consent;
  Digest transport_key;  // digest of key.transport
  Digest sealed_keys;    // SHA-256 of the sealed message
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.destination), io(18, b.consent), io(19, b.transport_key);
    io(20, b.sealed_keys);
  }
};

// Destination custody holds the keys, inactive.
struct KeyReceipt {
  static constexpr std::string_view kType = "key.receipt";
  AccountEpoch epoch = 0;
  RegionId source;
  Digest key_export;  // digest of key.export
  KeyVersion newest_version = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.source), io(18, b.key_export), io(19, b.newest_version);
  }
};

// The decision record of source custody: RELEASED. Ends every use at the source.
struct Release {
  static constexpr std::string_view kType = "key.release";
  AccountEpoch epoch = 0;
  RegionId destination;
  Digest consent;
  Digest receipt;        // digest of key.receipt
  Digest manifest_root;  // that both storages signed
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.destination), io(18, b.consent), io(19, b.receipt);
    io(20, b.manifest_root);
  }
};

// The decision record of source custody: ABORTED. The account stays.
enum class AbortReason : uint8_t {
  kWithdrawn = 1,
  kDestinationRefused = 2,
  kTimeout = 3,
  kRulesChanged = 4,
};
constexpr bool IsValid(AbortReason r) {
  return r >= AbortReason::kWithdrawn && r <= AbortReason::kRulesChanged;
}
struct Abort {
  static constexpr std::string_view kType = "key.abort";
  AccountEpoch epoch = 0;
  AbortReason reason = AbortReason::kTimeout;
  Digest consent;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.reason), io(18, b.consent);
  }
};

// Another version of the account key wraps from now on.
struct KeyRotation {
  static constexpr std::string_view kType = "key.rotation";
  AccountEpoch epoch = 0;
  KeyVersion version = 0;
  RequestId request;  // of the device that asked; zero: it fell due
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.version), io(18, b.request);
  }
};

// The owner has said something else about the versions of its key.
enum class KeyChangeKind : uint8_t {
  kDisable = 1,  // the version opens and wraps nothing until it is enabled
  kEnable = 2,
  kScheduleDestruction = 3,  // disabled, and destroyed at destroy_time
  kCancelDestruction = 4,    // still disabled
  kSetMinUnwrapVersion = 5,  // no version before this one opens anything
  kSetRotation = 6,          // a version makes itself this many days after the last; 0: never
};
constexpr bool IsValid(KeyChangeKind k) {
  return k >= KeyChangeKind::kDisable && k <= KeyChangeKind::kSetRotation;
}
// From the word that a version is to be destroyed to its end.
inline constexpr uint32_t kMinDestroyDays = 7;
inline constexpr uint32_t kMaxDestroyDays = 30;
// From one version to the next that makes itself.
inline constexpr uint32_t kMinRotationDays = 1;
inline constexpr uint32_t kMaxRotationDays = 3'650;
struct KeyChange {
  static constexpr std::string_view kType = "key.change";
  AccountEpoch epoch = 0;
  KeyChangeKind kind = KeyChangeKind::kDisable;
  KeyVersion version = 0;  // 0 for kSetRotation
  uint32_t days = 0;       // of kScheduleDestruction and kSetRotation
  int64_t destroy_time = 0;
  RequestId request;  // of the device that asked
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.kind), io(18, b.version), io(19, b.days), io(20, b.destroy_time);
    io(21, b.request);
  }
};

// One version is destroyed here, as its owner had said; the account lives on. The times are those
// of key.destruction.
struct KeyVersionDestruction {
  static constexpr std::string_view kType = "key.version-destruction";
  AccountEpoch epoch = 0;
  KeyVersion version = 0;
  int64_t erased = 0;
  int64_t unreadable_after = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.version), io(18, b.erased), io(19, b.unreadable_after);
  }
};

// Keys of an epoch are destroyed here. `erased` is now; earlier copies of the disks become
// unreadable only with the next root rotation: `unreadable_after` is its time, 0 = not yet known.
struct KeyDestruction {
  static constexpr std::string_view kType = "key.destruction";
  AccountEpoch epoch = 0;
  std::vector<std::string> versions;  // u32 big-endian each
  int64_t erased = 0;
  int64_t unreadable_after = 0;
  // Digest of key.release: it was the copy that was left behind by a move, and the account lives
  // on.
  std::optional<Digest> release;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.versions), io(18, b.erased), io(19, b.unreadable_after);
    io(20, b.release);
  }
};

// Closing is scheduled.
struct KeyClosing {
  static constexpr std::string_view kType = "key.closing";
  uint64_t close_number = 0;
  int64_t destroy_time = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.close_number), io(17, b.destroy_time);
  }
};

// "Active here", never "only here".
struct KeyLocation {
  static constexpr std::string_view kType = "key.location";
  AccountEpoch epoch = 0;
  std::string operator_name;
  CustodyMode mode = CustodyMode::kResident;
  std::string seal;  // "keyfile (development seal)"
  bool development() const { return development_flag != 0; }
  uint8_t development_flag = 0;
  KeyVersion newest_version = 0;
  std::vector<std::string> can_compel;  // jurisdiction codes, sorted
  std::string scheduled_region;         // empty = no change scheduled
  int64_t scheduled_time = 0;
  std::string nonce;
  uint8_t active = 0;  // 1 = active here; 0 = not (moved, closing: see the account's statements)
  // Exclave: where the data is, who runs storage there, and who can compel it. Absent: here.
  std::optional<RegionId> data_region;
  std::optional<std::string> data_operator;
  std::optional<std::vector<std::string>> data_can_compel;  // jurisdiction codes, sorted
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.operator_name), io(18, b.mode), io(19, b.seal);
    io(20, b.development_flag), io(21, b.newest_version), io(22, b.can_compel);
    io(23, b.scheduled_region), io(24, b.scheduled_time), io(25, b.nonce), io(26, b.active);
    io(27, b.data_region), io(28, b.data_operator), io(29, b.data_can_compel);
  }
};

// Source storage has fenced the account: no read, no write until a decision.
struct DataFence {
  static constexpr std::string_view kType = "data.fence";
  AccountEpoch epoch = 0;
  RegionId destination;
  Digest consent;
  Digest manifest_root;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.destination), io(18, b.consent), io(19, b.manifest_root);
  }
};

// What a storage holds of an account: root over all object versions in order of (object, version),
// each SHA-256 of its canonical record (docs/formats.md).
struct DataManifest {
  static constexpr std::string_view kType = "data.manifest";
  AccountEpoch epoch = 0;
  Digest root;
  uint64_t versions = 0;
  uint64_t bytes = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.root), io(18, b.versions), io(19, b.bytes);
  }
};

// Storage has erased its copy.
struct DataDestruction {
  static constexpr std::string_view kType = "data.destruction";
  AccountEpoch epoch = 0;
  uint64_t versions = 0;
  int64_t erased = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.versions), io(18, b.erased);
  }
};

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_CUSTODY_H_
