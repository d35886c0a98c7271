#ifndef COMITY_CUSTODY_BUDGETS_H_
#define COMITY_CUSTODY_BUDGETS_H_

#include <cstdint>

#include "absl/status/status.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/custody/key_context.h"
#include "services/custody/site.h"

// Who may take how much of this custody (docs/limits.md). All of it is RATE_LIMITED, with the time
// to wait; nothing is limited where the site has no limits.
namespace comity::custody {

// A call as it arrives, before anything is known of an account: of a device and of a person by the
// own key, so that none of an account or an operator crowds out the others; of another region's
// service by its operator. Free are uses of data keys (`counts_keys`), since the keys are counted,
// and what services of this region carry: devices and days bring that about, and a move that is
// refused in its midst is called off.
absl::Status TakeArrival(const Site& site, const Authorization& authorization, bool counts_keys);

// A use of data keys that has to load the account first, which may be none of the caller's.
absl::Status TakeColdUse(const Site& site, const Authorization& authorization);

// Data keys that a device of the account uses, or one of `grantee` under a grant: from the
// account's, from the grantee's and from the reason's, or from none of them.
struct KeyUse {
  UseReason reason;
  uint64_t count;
};
absl::Status TakeKeys(const Site& site, const AccountId& account, const KeyUse& use,
                      const AccountId* grantee = nullptr);

// A question of a device about its account. What a device says (statements, changes of its key)
// is not counted for the account: a device that was stolen must not keep the others from revoking
// it.
absl::Status TakeQuestion(const Site& site, const AccountId& account);

absl::Status TakeCreation(const Site& site);

// Data keys to be opened under an authorisation; given back when it comes to nothing.
class LegalKeys final {
 public:
  explicit LegalKeys(const Site* site) : site_(site) {}
  LegalKeys(const LegalKeys&) = delete;
  LegalKeys& operator=(const LegalKeys&) = delete;
  ~LegalKeys();

  absl::Status Take(uint64_t count);
  void Spend() { count_ = 0; }

 private:
  const Site* const site_;
  uint64_t count_ = 0;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_BUDGETS_H_
