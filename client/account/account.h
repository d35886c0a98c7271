#ifndef COMITY_CLIENT_ACCOUNT_ACCOUNT_H_
#define COMITY_CLIENT_ACCOUNT_ACCOUNT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/account/move_proof.h"
#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/statement.h"
#include "services/common/topology/standing.h"

namespace comity {

enum class AccountState : uint8_t {
  kActive = 1,
  kIncoming = 2,
  kMoved = 3,
  kClosing = 4,
  kClosed = 5,
};
std::string_view Name(AccountState state);  // "active"

// An account as its home storage tells it.
struct AccountView {
  AccountId id;
  AccountState state = AccountState::kActive;
  AccountEpoch epoch = 0;
  std::string home_region;
  std::string territory;
  Standing standing = Standing::kStays;
  std::string standing_reason;
  std::string scheduled_region;  // empty = no change
  UnixMillis scheduled_time = 0;
  std::string terms_version;
  UnixMillis window_end = 0;
  UnixMillis notified = 0;
  uint64_t objects = 0;
  uint64_t bytes = 0;
  std::vector<Statement> statements;  // history, oldest first
};
std::string_view Name(Standing standing);  // "waiting for terms"

// What the side that an account left has signed about its copies.
struct MoveCertificates {
  std::string region;
  bool keys_alone = false;  // no data moved, so that there is none to be destroyed
  std::optional<KeyDestruction> keys;
  std::optional<DataDestruction> data;
};

// What a device does with its account. Statements go to custody first, then to storage; every call
// may be repeated after a crash. Not thread-safe; `session` (opened with the profile's certificate)
// and `profile` outlive it.
class AccountClient final {
 public:
  AccountClient(Session* session, Profile* profile) : session_(*session), profile_(*profile) {}

  // Creates the account where the rules put that territory today: at custody, then at storage.
  // `accepted_terms` (a version) is needed when those rules ask for terms; RULES_FORBID otherwise.
  absl::StatusOr<AccountView> Create(const std::string& territory,
                                     const std::string& accepted_terms = {});

  // Asks the home storage. When the account has moved, verifies the move and follows it: see
  // Follow.
  absl::StatusOr<AccountView> Show();

  // Signs and delivers consent to the announced change, computed from the topology. Returns it.
  absl::StatusOr<Consent> AcceptTerms();
  // Takes the newest consent back.
  absl::Status WithdrawConsent();
  // Opt-out and closing are the same: keys are destroyed after the waiting period.
  absl::Status Close();
  absl::Status CancelClose();
  absl::Status SetTerritory(const std::string& territory);

  // Reads from `where` what it has about the account and delivers `statements` first.
  absl::StatusOr<std::vector<Statement>> DeliverToCustody(const std::string& region_name,
                                                          const std::vector<Statement>& statements);
  absl::StatusOr<std::vector<Statement>> DeliverToStorage(const std::string& region_name,
                                                          const std::vector<Statement>& statements);

  // The region whose custody had the keys before the newest move; empty if nothing ever moved.
  std::string previous_region() const;

  // Says that the data was read back after the move, to both sides, so that the source destroys its
  // copies, and gives the source's signed certificates, verified; the profile keeps them. One that
  // is not there yet is absent: call again later. STATE_NOT_READY when there was no move. The
  // caller has read the data.
  absl::StatusOr<MoveCertificates> ConfirmMove();

 private:
  absl::StatusOr<AccountView> Ask(const std::string& region_name);
  // Follows a forwarding only with the device's own consent naming that region and the signed
  // release and activation of the two custodies with their endorsements; else refuses and says
  // which is missing.
  absl::Status Follow(const std::vector<Statement>& evidence);
  absl::Status Adopt(const VerifiedMove& move);
  // The same when the keys alone come from another region to where the data is: storage goes on
  // serving, and the custody that had the keys knows. True if they have come.
  absl::StatusOr<bool> FollowKeys(const AccountView& view);
  // The device's newest consent, if it says the same and nothing has ended it since; null
  // otherwise.
  const Statement* FindSameConsent(const Consent& consent, UnixMillis now) const;
  template <typename Body>
  absl::Status SignAndDeliver(const Body& body, UnixMillis expiry = 0);
  // To custody, and then, with what custody answered, to storage.
  absl::Status Deliver(const Statement& statement);

  Session& session_;
  Profile& profile_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_ACCOUNT_ACCOUNT_H_
