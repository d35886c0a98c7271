#ifndef COMITY_COMMON_AUDIT_AUDIT_LOG_H_
#define COMITY_COMMON_AUDIT_AUDIT_LOG_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/audit/audit_block.h"
#include "services/common/audit/audit_files.h"
#include "services/common/clock/clock.h"
#include "services/common/identity/call_note.h"
#include "services/common/identity/caller.h"
#include "services/common/status/reason.h"
#include "services/common/store/file_calls.h"

namespace comity {

// A second place in which the blocks of an audit log are kept.
class AuditCopy {
 public:
  virtual ~AuditCopy() = default;
  // A block, with its bytes in the file, durably. One that begins with the same record as one
  // before takes its place.
  virtual absl::Status Keep(const AuditBlock& block, std::string_view frame) = 0;
  // Records before `first` need not be kept any longer.
  virtual absl::Status Drop(uint64_t first) = 0;
};

// Keeps a record of each call that a service answers: in the order of their answers, written by one
// thread a group at a time, each group bound to the one before by its hash. Answers do not wait for
// it: a kill -9 loses the records of the last kAuditGroup and nothing else. What must not be lost
// waits (AppendDurably). When records cannot be written, or are late, whoever asks Check() is
// refused, so that nothing is done that nobody would know of; the records that wait are written,
// into another file, when the disk takes them again. Thread-safe.
class AuditLog final {
 public:
  static constexpr std::chrono::milliseconds kGroup{20};
  // Anybody can be a device, or nobody. How many refusals of such callers are told one by one in a
  // group: of one method for one reason, and in all. Of more only the numbers are told, so that
  // strangers do not fill a disk.
  static constexpr uint32_t kToldAlike = 4;
  static constexpr uint32_t kToldStrangers = 16;

  struct Options {
    std::string directory;  // its own; made if it is absent
    std::shared_ptr<FileCalls> files = std::make_shared<PosixFileCalls>();
    const Clock* clock = nullptr;  // outlives the log
    // Told when writing begins to fail, and with OK when it works again. From the log's own thread.
    std::function<void(const absl::Status& status)> report;
    uint64_t file_bytes = 64 << 20;  // after which, or after a day, the next file begins
    std::chrono::milliseconds retry{1000};
    std::chrono::milliseconds late{1000};
    // A block counts when it is there as well. Null: none. Outlives the log; has what is on disk.
    AuditCopy* copy = nullptr;
  };
  // Goes on after what is there, and has written that it started. DATA_CORRUPT, STORE_UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(Options options);
  // Writes what waits, and that it stopped.
  ~AuditLog();

  struct Call {
    std::string_view method;               // lives for ever
    std::shared_ptr<const Caller> caller;  // null: nobody was identified
    CallNote note;
    Reason outcome = Reason::kUnspecified;  // of success
  };
  void Append(Call call);
  // Returns when the record is on disk; STORE_UNAVAILABLE if it is not (yet).
  absl::Status AppendDurably(Call call);

  // May anything be done that a record has to be written of? STORE_UNAVAILABLE. Costs three loads.
  absl::Status Check(std::chrono::steady_clock::time_point now) const;

  // The last block that is on disk.
  AuditEnd end() const;
  // Removes whole files that ended before `time` (FindAuditFilesBefore). STORE_UNAVAILABLE.
  absl::Status DropBefore(UnixMillis time);

  const std::string& directory() const { return options_.directory; }

 private:
  struct Entry {
    UnixMillis time = 0;
    int64_t at = 0;  // steady: their order
    Call call;
  };
  struct alignas(64) Shard {
    absl::Mutex mutex;
    std::vector<Entry> entries ABSL_GUARDED_BY(mutex);
  };

  AuditLog(Options options, const AuditEnd& end);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return wanted_ || stops_; }
  bool Hurries() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return hurried_ || stops_; }

  // The writer's.
  void Run();
  bool WaitForWork();  // false when it is the last round
  void Collect();
  void WriteRound();
  absl::Status WriteBlock(size_t records, AuditEnd& end);
  absl::Status OpenFile(uint64_t first);
  int SetAside(const std::string& path) const;  // 0, or an errno
  absl::Status Failed(std::string_view what, int error) const;

  const Options options_;
  std::array<Shard, 16> shards_;
  // Steady time since when records wait to be collected, and since when those have waited that are
  // being written; 0: there are none.
  std::atomic<int64_t> waiting_since_{0};
  std::atomic<int64_t> writing_since_{0};
  std::atomic<bool> failing_{false};

  mutable absl::Mutex mutex_;
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurried_ ABSL_GUARDED_BY(mutex_) = false;
  bool stops_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;    // rounds
  uint64_t tried_ ABSL_GUARDED_BY(mutex_) = 0;    // of these, those that are over
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;  // the last one after which nothing waited
  AuditEnd end_ ABSL_GUARDED_BY(mutex_);

  std::vector<AuditRecord> records_;  // collected, and not on disk
  int fd_ = -1;
  std::string path_;
  uint64_t size_ = 0;        // of the file, as far as it is on disk
  UnixMillis begun_at_ = 0;  // when the file began
  std::thread writer_;
};

}  // namespace comity

#endif  // COMITY_COMMON_AUDIT_AUDIT_LOG_H_
