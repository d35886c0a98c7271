#ifndef COMITY_TESTS_FAULT_UNSTEADY_FILE_CALLS_H_
#define COMITY_TESTS_FAULT_UNSTEADY_FILE_CALLS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/store/file_calls.h"

namespace comity {

// The system calls of the blob driver, of which a chosen one fails, and which can then lose what
// was not synced: contents since a file's last sync, and names made or removed since the last sync
// of their folder (in order, as journaling file systems do). A write that fails writes a part.
class UnsteadyFileCalls final : public FileCalls {
 public:
  enum class Call {
    kAny,
    kCreate,
    kWrite,
    kSync,
    kLink,
    kRemove,
    kMakeDirectory,
    kSyncDirectory,
    kRead
  };

  // The `n`-th call of that kind from now fails with `error`; 1 is the next. With `for_good` so
  // does every call of any kind after it.
  void FailAt(Call call, uint64_t n, int error, bool for_good = false);
  void Heal();
  bool failed() const;
  // Loses a part of what was not synced, chosen by `random`. The store must be closed.
  void LoseUnsynced(std::mt19937_64& random);

  int Create(const std::string& path, int& fd) override;
  int Write(int fd, std::string_view bytes) override;
  int Sync(int fd) override;
  void Close(int fd) override;
  int Link(const std::string& from, const std::string& to) override;
  int Remove(const std::string& path) override;
  int MakeDirectory(const std::string& path) override;
  int SyncDirectory(const std::string& path) override;
  int Read(const std::string& path, size_t max, std::string& bytes) override;

 private:
  struct File {
    uint64_t size = 0;
    uint64_t synced = 0;  // as far as it is on disk
  };
  struct NameChange {
    enum class Kind { kMade, kRemoved } kind;
    std::string path;
    std::shared_ptr<File> file;  // null for a folder
    std::string content;         // of what was removed
  };

  // The errno with which this call is to fail, or 0.
  int Admit(Call call);

  PosixFileCalls real_;
  mutable absl::Mutex mutex_;
  Call planned_ ABSL_GUARDED_BY(mutex_) = Call::kAny;
  uint64_t calls_to_failure_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: none planned
  int error_ ABSL_GUARDED_BY(mutex_) = 0;
  bool for_good_ ABSL_GUARDED_BY(mutex_) = false;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<int, std::shared_ptr<File>> open_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<File>> files_ ABSL_GUARDED_BY(mutex_);
  std::vector<NameChange> changes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity

#endif  // COMITY_TESTS_FAULT_UNSTEADY_FILE_CALLS_H_
