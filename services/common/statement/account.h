#ifndef COMITY_COMMON_STATEMENT_ACCOUNT_H_
#define COMITY_COMMON_STATEMENT_ACCOUNT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"

// What devices sign (ECDSA P-256). Envelope: subject = account id, region empty. Chain entries are
// numbered from 0 in a sequence of their own; all others share one strictly increasing sequence per
// account, from 1.
namespace comity {

enum class CustodyMode : uint8_t { kResident = 1, kExclave = 2 };
constexpr bool IsValid(CustodyMode m) {
  return m == CustodyMode::kResident || m == CustodyMode::kExclave;
}

// As in docs and JSON.
constexpr std::string_view Name(CustodyMode m) {
  return m == CustodyMode::kResident ? "resident" : "exclave";
}

enum class ChainAction : uint8_t { kAdd = 1, kRevoke = 2, kReplaceRecovery = 3 };
constexpr bool IsValid(ChainAction a) {
  return a >= ChainAction::kAdd && a <= ChainAction::kReplaceRecovery;
}

// One entry of the device chain. Entry 0 adds the first device and holds the recovery key; its
// `previous` is zero. Signed by a device (or the recovery key) valid before it; entry 0 by itself.
struct ChainEntry {
  static constexpr std::string_view kType = "account.chain";
  ChainAction action = ChainAction::kAdd;
  std::optional<std::string> device_key;    // kAdd: DER SPKI, P-256
  std::optional<std::string> sealing_key;   // kAdd: X25519, 32 bytes
  std::optional<std::string> recovery_key;  // entry 0, kReplaceRecovery: DER SPKI, P-256
  std::optional<SigningKeyId> revoked;      // kRevoke
  Digest previous;                          // SHA-256 of the body of the entry before
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.action), io(17, b.device_key), io(18, b.sealing_key), io(19, b.recovery_key);
    io(20, b.revoked), io(21, b.previous);
  }
};

struct ChainHead {
  uint64_t number = 0;
  Digest hash;  // SHA-256 of the newest entry's body
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.number), io(17, b.hash);
  }
  friend bool operator==(const ChainHead&, const ChainHead&) = default;
};

// Where keys may be.
struct CustodyPolicy {
  CustodyMode mode = CustodyMode::kResident;
  std::vector<std::string> regions;         // resident: the home region; exclave: another one
  std::vector<std::string> refuge_regions;  // where an evacuation may go without a new consent
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.mode), io(17, b.regions), io(18, b.refuge_regions);
  }
};

// Opens the account; number 1.
struct AccountRecord {
  static constexpr std::string_view kType = "account.record";
  std::string territory;
  RegionId home_region;
  std::vector<CustodyPolicy> policy;  // exactly one
  uint64_t chain_number = 0;
  Digest chain_hash;
  std::optional<Digest> accepted_terms;  // when the rules of the day ask for terms
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.territory), io(17, b.home_region), io(18, b.policy), io(19, b.chain_number);
    io(20, b.chain_hash), io(21, b.accepted_terms);
  }
};

// The device vouches for the public metadata key that custody made.
struct MetadataKey {
  static constexpr std::string_view kType = "account.metadata-key";
  std::string public_key;  // X25519, 32 bytes
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.public_key);
  }
};

// Consent to one move. Void after its expiry (90 days), after any higher-numbered withdrawal or
// territory change, and once spent. What could be compelled is said as codes, computed from the
// topology (topology.h) and compared by custody.
struct Consent {
  static constexpr std::string_view kType = "account.consent";
  AccountEpoch from_epoch = 0;
  std::string terms_version;
  Digest terms_hash;
  RegionId source;
  RegionId destination;
  std::vector<std::string> operators_before;  // storage, custody, review
  std::vector<std::string> operators_after;
  std::vector<CustodyPolicy> policy_before;    // exactly one
  std::vector<CustodyPolicy> policy_after;     // exactly one
  std::vector<std::string> can_compel_before;  // jurisdiction codes, sorted
  std::vector<std::string> can_compel_after;
  uint64_t chain_number = 0;
  Digest chain_hash;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.from_epoch), io(17, b.terms_version), io(18, b.terms_hash), io(19, b.source);
    io(20, b.destination), io(21, b.operators_before), io(22, b.operators_after);
    io(23, b.policy_before), io(24, b.policy_after), io(25, b.can_compel_before);
    io(26, b.can_compel_after), io(27, b.chain_number), io(28, b.chain_hash);
  }
};

// Takes back every consent with a lower number.
struct Withdrawal {
  static constexpr std::string_view kType = "account.withdrawal";
  uint64_t consent_number = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.consent_number);
  }
};

struct TerritoryChange {
  static constexpr std::string_view kType = "account.territory";
  std::string territory;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.territory);
  }
};

// Opt-out is the same statement.
struct Close {
  static constexpr std::string_view kType = "account.close";
  template <class Io, class Self>
  static void Fields(Io&, Self&) {}
};

// Undoes a close while the key is not destroyed.
struct CancelClose {
  static constexpr std::string_view kType = "account.cancel";
  uint64_t close_number = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.close_number);
  }
};

// The device has read its data back after the move: the source may destroy its copies.
struct ReadBack {
  static constexpr std::string_view kType = "account.readback";
  AccountEpoch epoch = 0;
  RegionId region;
  Digest manifest_root;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.region), io(18, b.manifest_root);
  }
};

// Objects to a notice; carried to review.
struct Objection {
  static constexpr std::string_view kType = "legal.objection";
  std::string case_id;
  std::string ground;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.case_id), io(17, b.ground);
  }
};

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_ACCOUNT_H_
