#ifndef COMITY_CLIENT_CHECK_EXPECTATIONS_H_
#define COMITY_CLIENT_CHECK_EXPECTATIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/check/facts.h"

namespace comity {

// One act that somebody was told is done, so that it must still be there (docs/check.md).
struct Act {
  enum class Kind { kAccount, kObject, kObjectDeleted, kStatement, kServed, kCase };
  Kind kind = Kind::kAccount;
  std::string account;
  std::string object;
  uint64_t version = 0;   // kObject: of this version, or a later one
  std::string content;    // kObject: of this version; empty = not known
  std::string digest;     // kObject: the same
  std::string statement;  // kStatement: digest
  std::string region;     // kServed: by its storage
  std::string case_id;
  bool executed = false;  // kCase: there is a result
};

// One JSON object for each line. FIELD_INVALID with the line.
absl::StatusOr<std::vector<Act>> ParseActs(const std::string& lines);
// The line of an act.
std::string FormatAct(const Act& act);

// What of `acts` is not there. Later acts replace earlier ones about the same object. Acts about
// services that were not checked are not looked for. Pure.
std::vector<Finding> CheckActs(const std::vector<Act>& acts,
                               const std::vector<ServiceFacts>& services);

}  // namespace comity

#endif  // COMITY_CLIENT_CHECK_EXPECTATIONS_H_
