// Measures services in a deployment of their own beside bare servers on the same machine. What is
// measured and how: docs/performance.md.

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/synchronization/mutex.h"

#include "services/common/server/grpc_log.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/bench.h"

namespace comity::bench {
namespace {

absl::Status RunAll(const std::set<std::string>& wanted, const Settings& settings, bool json) {
  ASSIGN_OR_RETURN(const std::unique_ptr<World> world,
                   World::Create(settings.folder, settings.backup));
  if (!json) std::cout << TableHead() << std::endl;
  for (const std::string& name : BenchNames()) {
    if (wanted.empty() ? NeedsCrowd(name) : !wanted.contains(name)) continue;
    ASSIGN_OR_RETURN(const Report report, FindBench(name)(*world, settings));
    std::cout << (json ? ToJson(report) : ToTableRow(report)) << std::endl;
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  Settings settings;
  settings.folder = std::filesystem::temp_directory_path().string();
  std::vector<std::string> names;
  bool json = false;
  bool list = false;
  double seconds = 2;
  uint64_t object_mib = 1024;
  CLI::App app("Measures Comity's services beside bare gRPC servers", "comity_bench");
  app.add_option("bench", names,
                 "Which benches; when none is named, all but those of a crowd (*_1m)")
      ->check(CLI::IsMember(BenchNames()));
  app.add_flag("--json", json, "One JSON object a line instead of a table");
  app.add_flag("--list", list, "Print the names of the benches");
  app.add_flag("--smoke", settings.smoke,
               "A few operations: shows that it works, measures nothing");
  app.add_option("--dir", settings.folder,
                 "Where the stores lie: the disk that is measured; made if it is not there");
  app.add_option("--rounds", settings.rounds, "Rounds of each side")->check(CLI::Range(1, 1000));
  app.add_option("--seconds", seconds, "Length of a round")->check(CLI::Range(0.05, 600.0));
  app.add_option("--connections", settings.connections, "Connections of unwrap_* and key_create")
      ->check(CLI::Range(1, 256));
  app.add_option("--streams", settings.streams, "Calls in flight on each, of unwrap_unary")
      ->check(CLI::Range(1, 256));
  app.add_option("--object-mib", object_mib, "Size of the object of object_put and object_get")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--accounts", settings.migrations, "Accounts of migrate_account")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--crowd", settings.crowd, "Accounts in the custody of *_1m")
      ->check(CLI::Range(1, 100'000'000));
  app.add_flag("--backup", settings.backup, "Have each custody keep a backup, on the same disk");
  app.add_option("--creates", settings.creates_in_flight, "Creations in flight of key_create")
      ->check(CLI::Range(1, 4096));
  CLI11_PARSE(app, argc, argv);
  if (list) {
    for (const std::string& name : BenchNames()) std::cout << name << "\n";
    return 0;
  }
  if (settings.smoke) {
    settings = SmokeSettings(settings.folder);
  } else {
    settings.round_time = std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
    settings.object_bytes = object_mib << 20;
  }
  InstallGrpcLog(LogFormat::kText);
  // The caller's half is the same for both sides, and the less of it there is, the better.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // The services' programs are beside the folder of the tests' programs.
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  setenv("COMITY_BIN_DIR", (self.parent_path().parent_path() / "bin").c_str(), 0);
  const absl::Status status = RunAll({names.begin(), names.end()}, settings, json);
  if (status.ok()) return 0;
  std::cerr << "comity_bench: " << status.message() << " " << CauseOf(status) << "\n";
  return 1;
}

}  // namespace
}  // namespace comity::bench

int main(int argc, char** argv) { return comity::bench::Main(argc, argv); }
