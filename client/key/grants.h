#ifndef COMITY_CLIENT_KEY_GRANTS_H_
#define COMITY_CLIENT_KEY_GRANTS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/common/statement/key_grant.h"

// Another account's devices use data keys of one's own: the owner's side, and theirs.
namespace comity {

// What an owner lets another account do.
struct GrantOrder {
  AccountId grantee;
  std::vector<KeyOperation> operations;
  std::vector<KeyPurpose> purposes;
  std::vector<ObjectId> objects;             // none: every object
  std::map<std::string, std::string> pairs;  // that the context of a key must have
  UnixMillis begin = 0;                      // 0: at once
  UnixMillis end = 0;
};

// A grant, or its end, as custody has taken it.
struct TakenGrant {
  std::string region;
  GrantId grant;
  UnixMillis time = 0;  // in force from then on
  Statement statement;  // that the device signed
  Statement receipt;
  Statement endorsement;
};

// Verifies that the custody of `region` did `act` to this grant, with the topology alone; that it
// took this very statement, too, when it is given, since of two devices that end a grant one comes
// first. SIGNATURE_INVALID, ENDORSEMENT_MISSING, STATEMENT_MALFORMED.
absl::StatusOr<Parsed<KeyGrantReceipt>> VerifyGrantReceipt(
    const Topology& topology, const RegionId& region, const AccountId& account,
    const GrantId& grant, KeyGrantAct act, const std::optional<Digest>& statement,
    const Statement& receipt, const Statement& endorsement, UnixMillis now);

// Signs a grant, or its end, and has the custody that the profile follows take it; in force when it
// returns. A lost answer is asked for again, once, with the same statement; after any other error
// nothing is known to have happened. FIELD_INVALID says what is wrong with an order.
absl::StatusOr<TakenGrant> GiveGrant(Session& session, const Profile& profile,
                                     const GrantOrder& order);
absl::StatusOr<TakenGrant> RevokeGrant(Session& session, const Profile& profile,
                                       const GrantId& grant);

struct GrantListing {
  KeyGrant body;
  UnixMillis signed_at = 0;
  UnixMillis end = 0;
  std::string state;   // "in force"
  bool alive = false;  // in force, or not begun
  // By a device that this one knows of its account. False: signed by one that was added meanwhile,
  // or by nobody; not to be believed either way.
  bool signed_by_own = false;
  SigningKeyId device;
  Statement statement;
  Statement receipt;
  std::optional<Statement> revocation_receipt;
};
// In the order in which they were given; those that have ended are there for a day.
// DATA_CORRUPT when custody answers with what is no grant of this account.
absl::StatusOr<std::vector<GrantListing>> ListGrants(Session& session, const Profile& profile);

// "unwrap", "content"; FIELD_INVALID names those there are.
std::string_view Name(KeyOperation operation);
std::string_view Name(KeyPurpose purpose);
absl::StatusOr<KeyOperation> ParseKeyOperation(std::string_view name);
absl::StatusOr<KeyPurpose> ParseKeyPurpose(std::string_view name);

// What a data key is for, as it was said when it was wrapped.
struct GrantedContext {
  ObjectId object;
  ContentId content;
  KeyPurpose purpose = KeyPurpose::kContent;
  std::map<std::string, std::string> pairs;
  friend bool operator==(const GrantedContext&, const GrantedContext&) = default;
};

// The grantee's side: data keys of `owner` at the custody of `region`, under a grant. Up to 1,024
// at once, all or nothing. ACCOUNT_NOT_YOURS when there is no such grant for this account;
// GRANT_NOT_IN_FORCE, GRANT_EXCEEDED; whatever the owner itself would be refused. Not thread-safe;
// `session`, opened with a device's certificate, outlives it.
class GrantedKeys final {
 public:
  GrantedKeys(Session* session, RegionId region, const AccountId& owner, const GrantId& grant)
      : session_(*session), region_(std::move(region)), owner_(owner), grant_(grant) {}

  struct Generated {
    SecretBytes plaintext;  // 32 bytes
    std::string wrapped;
  };
  struct Plain {
    GrantedContext context;
    SecretBytes plaintext;
  };
  struct Wrapped {
    GrantedContext context;
    std::string wrapped;
  };
  absl::StatusOr<std::vector<Generated>> Generate(const std::vector<GrantedContext>& contexts);
  absl::StatusOr<std::vector<std::string>> Wrap(const std::vector<Plain>& keys);
  absl::StatusOr<std::vector<SecretBytes>> Unwrap(const std::vector<Wrapped>& keys);
  // Under the newest version of the owner's key. The first one that cannot be opened ends it.
  absl::StatusOr<std::vector<std::string>> Rewrap(const std::vector<Wrapped>& keys);

 private:
  template <typename Request>
  void Begin(Request& request) const;
  template <typename Request>
  Request About(const std::vector<Wrapped>& keys) const;

  Session& session_;
  const RegionId region_;
  const AccountId owner_;
  const GrantId grant_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_KEY_GRANTS_H_
