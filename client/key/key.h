#ifndef COMITY_CLIENT_KEY_KEY_H_
#define COMITY_CLIENT_KEY_KEY_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/statement/custody.h"

namespace comity {

// A verified answer to "where is my key, who operates it, who can compel it?".
struct KeyWhere {
  std::string region;
  std::string region_title;
  std::string operator_title;
  std::vector<std::string> jurisdictions;  // titles of those who can compel, in order of code
  // Where the data is: the same region unless the custody mode is exclave; who runs storage there,
  // and who can compel it.
  std::string data_region;
  std::string data_region_title;
  std::string data_operator;
  std::string data_operator_title;
  std::vector<std::string> data_can_compel;     // codes
  std::vector<std::string> data_jurisdictions;  // titles
  UnixMillis time = 0;
  UnixMillis expiry = 0;
  KeyLocation location;
  Statement attestation;  // to keep: verifiable offline with the topology
  Statement endorsement;
};

// Verifies an attestation of `account` with the topology alone: endorsement by the operator that
// the topology names, signature, deployment, that what it says of operator and compulsion is what
// the topology computes. SIGNATURE_INVALID, ENDORSEMENT_MISSING, STATEMENT_MALFORMED.
absl::StatusOr<KeyWhere> VerifyKeyLocation(const Topology& topology, const AccountId& account,
                                           const Statement& attestation,
                                           const Statement& endorsement, UnixMillis now);

// What `comity key where --json` printed: "attestation" and "endorsement" in base32. FIELD_INVALID,
// STATEMENT_MALFORMED. Nothing is verified.
struct SavedKeyLocation {
  Statement attestation;
  Statement endorsement;
};
absl::StatusOr<SavedKeyLocation> ParseSavedKeyLocation(std::string_view text);

// Asks the custody that the profile follows, with a fresh nonce, and verifies the answer.
absl::StatusOr<KeyWhere> AskKeyLocation(Session& session, const Profile& profile);

// For people: what is signed, in plain words.
std::string FormatKeyWhere(const KeyWhere& where);

// Another version of the account key, as its custody signed it.
struct RotatedKey {
  std::string region;
  KeyVersion version = 0;
  UnixMillis time = 0;
  Statement rotation;
  Statement endorsement;
};

// Verifies that the custody of `region` made a version for this request, with the topology alone.
// SIGNATURE_INVALID, ENDORSEMENT_MISSING, STATEMENT_MALFORMED.
absl::StatusOr<RotatedKey> VerifyKeyRotation(const Topology& topology, const RegionId& region,
                                             const AccountId& account, const RequestId& request,
                                             const Statement& rotation,
                                             const Statement& endorsement, UnixMillis now);

// Has the custody that the profile follows make another key version: what is stored from now on is
// wrapped under it, what was stored before stays readable. A lost answer is asked for again, once,
// as the same request; after any other error nothing is known to have happened.
absl::StatusOr<RotatedKey> RotateKey(Session& session, const Profile& profile);

// What is to become of the versions of the account key.
struct KeyChangeOrder {
  KeyChangeKind kind = KeyChangeKind::kDisable;
  KeyVersion version = 0;  // not for kSetRotation
  uint32_t days = 0;       // kScheduleDestruction: 7 to 30; kSetRotation: 1 to 3,650, 0 = never
};
// A change of the key's versions, as its custody signed it.
struct ChangedKey {
  std::string region;
  KeyChange body;
  UnixMillis time = 0;
  Statement change;
  Statement endorsement;
};

// Verifies that the custody of `region` did what this request asked for, with the topology alone.
// SIGNATURE_INVALID, ENDORSEMENT_MISSING, STATEMENT_MALFORMED.
absl::StatusOr<ChangedKey> VerifyKeyChange(const Topology& topology, const RegionId& region,
                                           const AccountId& account, const KeyChangeOrder& order,
                                           const RequestId& request, const Statement& change,
                                           const Statement& endorsement, UnixMillis now);

// Has the custody that the profile follows change something about the key's versions; in force when
// it returns. As RotateKey when the answer is lost.
absl::StatusOr<ChangedKey> ChangeKey(Session& session, const Profile& profile,
                                     const KeyChangeOrder& order);

struct KeyVersionView {
  KeyVersion version = 0;
  std::string state;  // "enabled"
  UnixMillis created = 0;
  UnixMillis destroyed = 0;  // when it is to be, or was; 0 = neither
  // key.version-destruction, verified: of a version that its owner gave up. Custody keeps the
  // newest few.
  std::optional<Statement> certificate = std::nullopt;
};
struct KeyVersionsView {
  std::vector<KeyVersionView> versions;                 // oldest first
  KeyVersion min_unwrap_version = 1;                    // no version before it opens anything
  uint32_t rotation_days = 0;                           // 0: no version makes itself
  UnixMillis next_rotation = 0;                         // 0: none is to come
  std::optional<Statement> endorsement = std::nullopt;  // of who signed the certificates
};
// For people: "3 wraps; 1, 2 open what they wrapped", or "1". Disabled and destroyed ones are
// named.
std::string FormatKeyVersions(const KeyVersionsView& key);
// Of what custody answered beside its versions: the certificates that it signed about this account,
// and the endorsement. What is none, or was signed by nobody the topology knows, is left out.
void AddCertificates(const Topology& topology, const RegionId& region, const AccountId& account,
                     const std::vector<Statement>& statements, UnixMillis now,
                     KeyVersionsView& view);
absl::StatusOr<KeyVersionsView> ListKeyVersions(Session& session, const Profile& profile);

}  // namespace comity

#endif  // COMITY_CLIENT_KEY_KEY_H_
