// Commits to the stores of a folder until it is killed, and reports every acknowledgement on
// standard output: "record <thread> <n> <version>" or "blob <thread> <n>". Each thread counts n up
// in a partition of its own, where key/<n % 10> is n too. Starts where the stores stand.
//
//   store_commit_loop <directory> <first request number> [<folder of a backup>]

#include "tests/fault/store_commit_loop.h"

#include <cstdint>
#include <cstdlib>
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

void Report(const std::string& line) {
  // One write of less than PIPE_BUF: lines of threads do not mix, and none is cut.
  COMITY_CHECK(write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
}

void Loop(RecordStore& records, BlobStore& blobs, int thread, uint64_t first_request) {
  const std::string partition = LoopPartition(thread);
  const Snapshot start = records.Get(partition, {"n"}).value();
  const std::string* stored = start.Find("n");
  uint64_t n = stored == nullptr ? 0 : std::stoull(*stored);
  PartitionVersion version = start.version;
  uint64_t request = first_request + static_cast<uint64_t>(thread) * 1'000'000;
  while (true) {
    ++n;
    const std::string count = std::to_string(n);
    absl::StatusOr<PartitionVersion> committed =
        records.Commit(partition, NumberedRequest(++request), {Precondition::VersionIs(version)},
                       {Mutation::Put("n", count), Mutation::Put(LoopKey(n), count)});
    COMITY_CHECK(committed.ok());
    version = *committed;
    Report("record " + std::to_string(thread) + " " + count + " " + std::to_string(version) + "\n");
    if (n % 4 != 0) continue;
    COMITY_CHECK(blobs.PutIfAbsentOrEqual(LoopBlobName(thread, n), LoopBlobBytes(thread, n)).ok());
    Report("blob " + std::to_string(thread) + " " + count + "\n");
  }
}

int Run(const std::string& directory, uint64_t first_request, const std::string& backup_folder) {
  const SystemClock clock;
  std::shared_ptr<RecordStore> records = OpenRocksRecordStore(directory).value();
  std::shared_ptr<BlobStore> blobs = OpenFileBlobStore(directory).value();
  std::unique_ptr<Backup> backup;
  if (!backup_folder.empty()) {
    backup = Backup::Open(LoopBackup(directory, backup_folder, &clock), records, blobs).value();
  }
  RecordStore& used_records = backup != nullptr ? backup->records() : *records;
  BlobStore& used_blobs = backup != nullptr ? backup->blobs() : *blobs;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kLoopThreads; ++thread) {
    threads.emplace_back([&, thread] { Loop(used_records, used_blobs, thread, first_request); });
  }
  for (std::thread& thread : threads) thread.join();
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace comity

int main(int argc, char** argv) {
  COMITY_CHECK(argc == 3 || argc == 4);
  return comity::Run(argv[1], std::stoull(argv[2]), argc == 4 ? argv[3] : "");
}
