#ifndef COMITY_TESTS_FAKES_FAKE_BLOB_STORE_H_
#define COMITY_TESTS_FAKES_FAKE_BLOB_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/store/blob_store.h"

namespace comity {

// BlobStore in memory that can be told to fail.
class FakeBlobStore final : public BlobStore {
 public:
  // `clock` dates the blobs and must outlive the store; the system's without one.
  explicit FakeBlobStore(const Clock* clock = nullptr) : clock_(clock) {}

  // What became of a put that was answered with STORE_UNAVAILABLE.
  enum class Fate { kNotApplied, kApplied };
  void FailNextPut(Fate fate);
  // While set, every call is refused with STORE_UNAVAILABLE.
  void SetUnavailable(bool unavailable);
  // Puts other bytes under a name, as a damaged disk would. The name must hold a blob.
  void Overwrite(std::string_view name, std::string_view bytes);

  absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) override;
  absl::StatusOr<std::string> Get(std::string_view name) override;
  absl::Status Delete(std::string_view name) override;
  absl::StatusOr<std::vector<Entry>> List(std::string_view prefix, std::string_view cursor,
                                          size_t limit) override;

 private:
  struct Blob {
    std::string bytes;
    UnixMillis modified;
  };

  absl::Status CheckAvailable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  const SystemClock system_clock_;
  absl::Mutex mutex_;
  std::map<std::string, Blob, std::less<>> blobs_ ABSL_GUARDED_BY(mutex_);
  bool unavailable_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Fate> next_fate_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity

#endif  // COMITY_TESTS_FAKES_FAKE_BLOB_STORE_H_
