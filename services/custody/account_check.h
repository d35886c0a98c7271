#ifndef COMITY_CUSTODY_ACCOUNT_CHECK_H_
#define COMITY_CUSTODY_ACCOUNT_CHECK_H_

#include <string>

#include "services/common/check/store_check.h"
#include "services/custody/account.h"
#include "services/custody/key_sealer.h"
#include "services/custody/stored_evidence.h"

namespace comity::custody {

// Reports what is wrong with one account; `sealer` may be null, then no key is opened.
void CheckAccount(const StoreCheck& check, const KeySealer* sealer, const Account& account,
                  const StoredEvidence& evidence);

// Tells what this custody believes of it.
void TellAccount(const StoreCheck& check, const Account& account, const StoredEvidence& evidence);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ACCOUNT_CHECK_H_
