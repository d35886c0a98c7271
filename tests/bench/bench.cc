#include "tests/bench/bench.h"

#include <cstdlib>
#include <utility>

#include "services/common/status/check.h"

namespace comity::bench {
namespace {

// migrate_account comes last.
const std::vector<std::pair<std::string, Bench>>& Benches() {
  static const auto* const benches =
      new std::vector<std::pair<std::string, Bench>>{{"unwrap_unary", UnwrapUnary},
                                                     {"unwrap_batch", UnwrapBatch},
                                                     {"rewrap_batch", RewrapBatch},
                                                     {"key_create", KeyCreate},
                                                     {"overload", Overload},
                                                     {"object_put", ObjectPut},
                                                     {"object_get", ObjectGet},
                                                     {"store_commit", StoreCommit},
                                                     {"store_get", StoreGet},
                                                     {"blob_put", BlobPut},
                                                     {"revocation_bound", RevocationBound},
                                                     {"custody_start_1m", CustodyStart},
                                                     {"custody_memory_1m", CustodyMemory},
                                                     {"unwrap_cold_1m", UnwrapCold},
                                                     {"migrate_account", MigrateAccount}};
  return *benches;
}

}  // namespace

std::vector<std::string> BenchNames() {
  std::vector<std::string> names;
  for (const auto& [name, bench] : Benches()) names.push_back(name);
  return names;
}

bool NeedsCrowd(const std::string& name) { return name.ends_with("_1m"); }

const Bench& FindBench(const std::string& name) {
  for (const auto& [known, bench] : Benches()) {
    if (known == name) return bench;
  }
  COMITY_CHECK(false);
  std::abort();
}

Settings SmokeSettings(std::string folder) {
  Settings settings;
  settings.folder = std::move(folder);
  settings.smoke = true;
  settings.rounds = 1;
  settings.round_time = std::chrono::milliseconds(50);
  settings.connections = 2;
  settings.streams = 2;
  settings.object_bytes = (5 << 20) + 1;  // more than one segment, and not a whole chunk
  settings.migrations = 1;
  settings.account_objects = 2;
  settings.account_object_bytes = 1 << 10;
  settings.creates_in_flight = 4;
  settings.crowd = 20;
  return settings;
}

}  // namespace comity::bench
