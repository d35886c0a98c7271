// How fast the embedded stores are on this machine. Not a test: it proves nothing and always ends
// well.
//
//   store_bench <empty directory> [<seconds per line>]

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "services/common/status/check.h"
#include "services/common/store/open.h"
#include "tests/testing/numbered_request.h"

namespace comity {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr uint64_t kAccounts = 100'000;

// Calls `work(thread, i)` from `threads` threads for that long and prints the rate.
void Measure(const std::string& what, int threads, double seconds,
             const std::function<void(int, uint64_t)>& work) {
  std::atomic<uint64_t> calls = 0;
  const auto begin = SteadyClock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread) {
    running.emplace_back([&, thread] {
      uint64_t i = 0;
      while (SteadyClock::now() < end) work(thread, i++);
      calls += i;
    });
  }
  for (std::thread& thread : running) thread.join();
  const double took = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  const double rate = static_cast<double>(calls.load()) / took;
  std::printf("%-24s %3d threads %10.0f per second %8.2f ms each\n", what.c_str(), threads, rate,
              1000 * threads / rate);
}

long ResidentMegabytes() {
  long pages = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE) / (1 << 20);
}

std::string AccountOf(uint64_t n) { return "custody/" + std::to_string(n % kAccounts); }

void Run(const std::string& directory, double seconds) {
  std::unique_ptr<RecordStore> records = OpenRocksRecordStore(directory).value();
  std::unique_ptr<BlobStore> blobs = OpenFileBlobStore(directory).value();
  std::atomic<uint64_t> request = 0;
  const std::string value(300, 'v');
  for (int threads : {1, 4, 16, 64}) {
    Measure("commits of 2 keys", threads, seconds, [&](int, uint64_t) {
      const uint64_t n = ++request;
      COMITY_CHECK(records
                       ->Commit(AccountOf(n * 7919), NumberedRequest(n), {},
                                {Mutation::Put("account", value), Mutation::Put("key/1", value)})
                       .ok());
    });
  }
  for (int threads : {1, 4}) {
    Measure("gets of 2 keys", threads, seconds, [&](int thread, uint64_t i) {
      const uint64_t n = (static_cast<uint64_t>(thread) * 31 + i) * 104'729;
      COMITY_CHECK(records->Get(AccountOf(n), {"account", "key/1"}).ok());
    });
  }
  const std::string segment(1 << 20, 's');
  std::atomic<uint64_t> blob = 0;
  for (int threads : {1, 4}) {
    Measure("blobs of 1 MiB", threads, seconds, [&](int, uint64_t) {
      const uint64_t n = ++blob;
      COMITY_CHECK(blobs
                       ->PutIfAbsentOrEqual(
                           "segments/" + std::to_string(n % 256) + "/" + std::to_string(n), segment)
                       .ok());
    });
  }
  std::printf("resident %ld MB\n", ResidentMegabytes());
}

}  // namespace
}  // namespace comity

int main(int argc, char** argv) {
  COMITY_CHECK(argc == 2 || argc == 3);
  comity::Run(argv[1], argc == 3 ? std::atof(argv[2]) : 2);
  return EXIT_SUCCESS;
}
