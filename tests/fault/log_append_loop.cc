// Appends to the log of a folder from several threads until it is killed, and reports every receipt
// on standard output: "<leaf> <receipt in base64>", the leaf being "<round>/<thread>/<n>".
//
//   log_append_loop <directory> <round>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "services/common/log/base64.h"
#include "services/common/log/transparency_log.h"
#include "services/common/status/check.h"
#include "services/common/store/open.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

constexpr int kThreads = 4;

void Loop(TransparencyLog& log, const std::string& prefix) {
  for (uint64_t n = 0;; ++n) {
    const std::string leaf = prefix + std::to_string(n);
    const absl::StatusOr<LogReceipt> receipt = log.Append(leaf);
    COMITY_CHECK(receipt.ok());
    // One write of less than PIPE_BUF: lines of threads do not mix, and none is cut.
    const std::string line = leaf + " " + Base64Encode(FormatReceipt(*receipt)) + "\n";
    COMITY_CHECK(line.size() <= 4096);
    COMITY_CHECK(write(STDOUT_FILENO, line.data(), line.size()) ==
                 static_cast<ssize_t>(line.size()));
  }
}

int Run(const std::string& directory, const std::string& round) {
  const std::unique_ptr<RecordStore> records = OpenRocksRecordStore(directory).value();
  const std::unique_ptr<BlobStore> blobs = OpenFileBlobStore(directory).value();
  const std::unique_ptr<TransparencyLog> log = OpenTestLog(records.get(), blobs.get()).value();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back(
        [&log, prefix = round + "/" + std::to_string(thread) + "/"] { Loop(*log, prefix); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace comity

int main(int argc, char** argv) {
  COMITY_CHECK(argc == 3);
  return comity::Run(argv[1], argv[2]);
}
