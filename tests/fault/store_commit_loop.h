#ifndef COMITY_TESTS_FAULT_STORE_COMMIT_LOOP_H_
#define COMITY_TESTS_FAULT_STORE_COMMIT_LOOP_H_

#include <cstdint>
#include <string>

#include "services/common/backup/backup.h"

// What the program store_commit_loop writes, for the test that kills it.
namespace comity {

inline constexpr int kLoopThreads = 4;
inline constexpr uint64_t kLoopKeys = 10;

inline std::string LoopPartition(int thread) { return "loop/" + std::to_string(thread); }
inline std::string LoopKey(uint64_t n) { return "key/" + std::to_string(n % kLoopKeys); }
inline std::string LoopBlobName(int thread, uint64_t n) {
  return "loop/" + std::to_string(thread) + "/" + std::to_string(n);
}
inline std::string LoopBlobBytes(int thread, uint64_t n) {
  return LoopBlobName(thread, n) + std::string(n % 50'000, 'b');
}

inline BackupOptions LoopBackup(const std::string& directory, const std::string& folder,
                                const Clock* clock) {
  return {.folder = folder,
          .deployment = "loop",
          .region = *RegionId::Create("us"),
          .identity = directory,
          .clock = clock};
}

}  // namespace comity

#endif  // COMITY_TESTS_FAULT_STORE_COMMIT_LOOP_H_
