#ifndef COMITY_STORAGE_MOVE_DECISION_H_
#define COMITY_STORAGE_MOVE_DECISION_H_

#include <optional>
#include <vector>

#include "services/common/statement/custody.h"
#include "services/common/statement/statement.h"
#include "services/storage/account_store.h"
#include "services/storage/site.h"

namespace comity::storage {

// What custodies have said about the newest move away from here. A release alone ends every use at
// the source; only with the destination's activation is the account served there.
struct MoveDecision {
  std::optional<Parsed<Abort>> abort;
  std::optional<Parsed<Release>> release;
  std::optional<Parsed<Activation>> activation;
  // The statements that say so, each with its endorsement: for the history and the other side.
  std::vector<Statement> statements;
};

// Reads it from the account's history, which was verified when it was kept, and from `fresh`,
// which is verified here: what does not verify, or is about something else, counts for nothing.
MoveDecision FindDecision(const Site& site, const AccountSnapshot& account,
                          const std::vector<Statement>& fresh);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_MOVE_DECISION_H_
