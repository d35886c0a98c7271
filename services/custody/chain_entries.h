#ifndef COMITY_CUSTODY_CHAIN_ENTRIES_H_
#define COMITY_CUSTODY_CHAIN_ENTRIES_H_

#include <string>
#include <vector>

#include "services/custody/account.h"

namespace comity::custody {

// The entries of its device chain as they rest, signatures included; none without a chain.
std::vector<std::string> EncodeChain(const Account& account);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CHAIN_ENTRIES_H_
