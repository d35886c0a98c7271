#ifndef COMITY_CUSTODY_ACCOUNT_RULES_H_
#define COMITY_CUSTODY_ACCOUNT_RULES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/authorization.h"
#include "services/common/statement/account.h"
#include "services/common/topology/standing.h"
#include "services/custody/account.h"
#include "services/custody/site.h"

// What follows from an account's record alone. Pure.
namespace comity::custody {

// Sealed keys of any epoch, active or not.
bool HoldsKeys(const Account& account);
bool HoldsKeysOf(const Account& account, AccountEpoch epoch);
// The newest version that is active here, disabled or not; 0 if there is none.
KeyVersion NewestVersion(const Account& account);
// The greatest number of a device statement; 0 if there is none.
uint64_t HighestNumber(const Account& account);

struct KnownConsent {
  Envelope envelope;
  Consent consent;
  Statement statement;
};
const Statement* FindStatement(const Account& account, const Digest& digest);
// The newest consent from this account epoch that no higher-numbered withdrawal, change of
// territory or close has ended. Expiry and rules are CheckConsent's. A cancelled close has still
// ended it: the user said no in between.
std::optional<KnownConsent> ConsentInForce(const Account& account);

// When the released copy here is to be destroyed: at once when a device has read its data back.
// Only for a released account whose activation is known.
UnixMillis SourceDestroyTime(const Account& account);

// Where an account is that is active in this custody, in region `region`.
Placement PlaceOf(const Account& account, const RegionId& region);

// The account as the residency rules see it. This custody does not tell accounts of what is
// announced, storage does; it takes them to be told.
AccountFacts FactsOf(const Account& account, const RegionId& region);

// Is the caller an active device of it? ACCOUNT_NOT_YOURS otherwise.
absl::Status CheckOwner(const Authorization& authorization, const Account& account);
// May its device use the key here? ACCOUNT_NOT_HERE, KEY_DESTROYED otherwise.
absl::Status CheckServed(Presence presence);
// May its owner say something else about its key now? As CheckServed(); ACCOUNT_CLOSING,
// ACCOUNT_FENCED, CHAIN_FORKED.
absl::Status CheckChangeable(const Account& account);
// Does this version open what it wrapped? KEY_DISABLED, KEY_DESTROYED; DATA_CORRUPT if there never
// was such a version.
absl::Status CheckOpens(const Account& account, KeyVersion version);
// May new data be protected? ACCOUNT_CLOSING, ACCOUNT_SUSPENDED otherwise.
absl::Status CheckTakesData(const Topology& topology, const AccountFacts& facts, UnixMillis now);

// Drops the sealed bytes of one key.
void Erase(KeyRecord& key, UnixMillis now);
// Drops the sealed keys of an epoch. Returns their versions, for the certificate.
std::vector<std::string> EraseKeys(Account& account, AccountEpoch epoch, UnixMillis now);
// Keeps the certificate; of old ones only the newest few.
void KeepDestruction(Account& account, AccountEpoch epoch, Statement statement);

// What this custody has to say about the account now: endorsement, activation or decision,
// closing, certificates, the destination's answers, and, for its own region and devices, the newest
// device statements. Never more than a DeliverStatement takes.
enum class Audience { kOwn, kForeignCustody };
std::vector<Statement> NewestStatements(const Account& account, const Site& site,
                                        Audience audience);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ACCOUNT_RULES_H_
