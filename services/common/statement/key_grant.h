#ifndef COMITY_COMMON_STATEMENT_KEY_GRANT_H_
#define COMITY_COMMON_STATEMENT_KEY_GRANT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/statement.h"

// What the devices of a key's owner sign about others who may use it, and how custody answers.
// Grants are apart from the account's sequence of statements: their number is 0, and no carrier
// brings them. The device that signed one hands it to its custody over its own channel.
namespace comity {

// What is done with data keys.
enum class KeyOperation : uint8_t { kGenerate = 1, kWrap = 2, kUnwrap = 3, kRewrap = 4 };
constexpr bool IsValid(KeyOperation o) {
  return o >= KeyOperation::kGenerate && o <= KeyOperation::kRewrap;
}

// From the moment it is given, to its end.
inline constexpr int64_t kMaxGrantMs = 366 * kDayMs;
inline constexpr size_t kMaxGrantObjects = 64;
inline constexpr size_t kMaxGrantPairs = 8;
inline constexpr size_t kMaxGrantPairBytes = 1'024;  // names and values

// Another account's devices may use data keys of this one. Device, ECDSA P-256. Envelope: number 0;
// expiry = its end, which there always is.
struct KeyGrant {
  static constexpr std::string_view kType = "key.grant";
  AccountEpoch epoch = 0;  // it holds in this one alone, and so ends when the account moves
  GrantId grant;           // drawn by the device at random
  AccountId grantee;
  std::vector<KeyOperation> operations;      // ascending, at least one
  std::vector<KeyPurpose> purposes;          // ascending, at least one
  std::vector<ObjectId> objects;             // ascending; none: every object
  std::map<std::string, std::string> pairs;  // that the context of a key must have
  int64_t not_before = 0;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.grant), io(18, b.grantee), io(19, b.operations), io(20, b.purposes);
    io(21, b.objects), io(22, b.pairs), io(23, b.not_before);
  }
};

// It ends now. Device, as above.
struct KeyGrantRevocation {
  static constexpr std::string_view kType = "key.grant-revocation";
  GrantId grant;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.grant);
  }
};

// Custody has taken one of the two, and goes by it from its time on. Ed25519, as in custody.h.
enum class KeyGrantAct : uint8_t { kGiven = 1, kRevoked = 2 };
constexpr bool IsValid(KeyGrantAct a) {
  return a == KeyGrantAct::kGiven || a == KeyGrantAct::kRevoked;
}
struct KeyGrantReceipt {
  static constexpr std::string_view kType = "key.grant-receipt";
  AccountEpoch epoch = 0;
  GrantId grant;
  KeyGrantAct act = KeyGrantAct::kGiven;
  Digest statement;  // digest of what the device signed
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.epoch), io(17, b.grant), io(18, b.act), io(19, b.statement);
  }
};

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_KEY_GRANT_H_
