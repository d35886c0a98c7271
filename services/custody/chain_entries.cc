#include "services/custody/chain_entries.h"

#include "services/common/statement/statement.h"

namespace comity::custody {

std::vector<std::string> EncodeChain(const Account& account) {
  std::vector<std::string> entries;
  if (!account.chain.has_value()) return entries;
  for (const Statement& entry : account.chain->entries()) {
    entries.push_back(EncodeStatement(entry));
  }
  return entries;
}

}  // namespace comity::custody
