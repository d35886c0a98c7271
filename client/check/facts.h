#ifndef COMITY_CLIENT_CHECK_FACTS_H_
#define COMITY_CLIENT_CHECK_FACTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"

// What --check-store of each service says (docs/check.md), as plain values. Ids are texts: nothing
// here looks inside them.
namespace comity {

struct Finding {
  bool violation = true;  // else a note: under way, or left by a crash and going away by itself
  std::string service;    // "us/custody"; empty when several services contradict each other
  std::string rule;
  std::string where;
  std::string what;
};

struct KeyFact {
  AccountEpoch epoch = 0;
  std::string state;  // "active", "released", "inactive", "destroyed"
};

struct KeyMoveFact {
  AccountEpoch epoch = 0;
  std::string destination;
  std::string consent;
  std::string decision;  // empty: not decided
  bool activated = false;
};

struct IncomingKeyFact {
  AccountEpoch epoch = 0;
  std::string source;
  std::string consent;
};

struct CustodyFact {
  std::string presence;  // "none", "active", "released", "closed"
  AccountEpoch epoch = 0;
  uint64_t untold_aborts = 0;
  std::vector<KeyFact> keys;
  std::map<AccountEpoch, std::string> decisions;  // "released", "aborted"
  std::set<std::string> statements;
  std::set<std::string> uses;
  std::optional<KeyMoveFact> move;
  std::optional<IncomingKeyFact> incoming;
};

struct ObjectFact {
  uint64_t version = 0;
  std::string content;
  std::string digest;
};

struct DataMoveFact {
  AccountEpoch epoch = 0;
  int step = 0;
  bool aborted = false;
  bool told = false;
  bool finished = false;
};

struct IncomingDataFact {
  AccountEpoch epoch = 0;
  std::string source;
};

struct StorageFact {
  std::string state;  // "active", "incoming", "moved", "closed"
  AccountEpoch epoch = 0;
  std::string serving;
  bool data_here = false;
  bool erasing = false;
  bool fenced = false;
  AccountEpoch aborted_epoch = 0;
  std::set<std::string> statements;
  std::map<std::string, std::optional<uint64_t>> uses;  // objects given; unknown once erased
  std::map<std::string, ObjectFact> objects;
  std::optional<DataMoveFact> move;
  std::optional<IncomingDataFact> incoming;
};

struct CaseFact {
  std::vector<std::string> results;  // authorisations that were carried out
};

struct ServiceFacts {
  std::string region;
  std::string service;  // "custody"
  uint64_t log_entries = 0;
  uint64_t grants = 0;  // review only: authorisations in its log
  std::vector<Finding> findings;
  std::map<std::string, CustodyFact> custody;
  std::map<std::string, StorageFact> storage;
  std::map<std::string, CaseFact> cases;
  std::string Title() const { return region + "/" + service; }
};

// Reads the lines of one service. DATA_CORRUPT for lines that are none, and when the summary at
// the end is missing: a check that was cut off proves nothing.
absl::StatusOr<ServiceFacts> ParseFacts(const std::string& lines);

}  // namespace comity

#endif  // COMITY_CLIENT_CHECK_FACTS_H_
