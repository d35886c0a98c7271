#ifndef COMITY_TESTS_FAKES_STUBBORN_FILE_CALLS_H_
#define COMITY_TESTS_FAKES_STUBBORN_FILE_CALLS_H_

#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/store/file_calls.h"

namespace comity {

// A disk that refuses to be written to when it is told to (an errno; 0: no more), or takes as long
// as it is told to. A refused write writes a part. Thread-safe.
class StubbornFileCalls final : public FileCalls {
 public:
  void Refuse(int error) {
    absl::MutexLock lock(&mutex_);
    error_ = error;
  }
  void Hold(bool held) {
    absl::MutexLock lock(&mutex_);
    held_ = held;
  }
  // Somebody is held.
  bool waiting() const {
    absl::MutexLock lock(&mutex_);
    return waiting_;
  }

  int Create(const std::string& path, int& fd) override {
    const int error = Wait();
    return error != 0 ? error : real_.Create(path, fd);
  }
  int Write(int fd, std::string_view bytes) override {
    // A part of it gets there.
    const int error = Wait();
    return error != 0 ? (real_.Write(fd, bytes.substr(0, bytes.size() / 2)), error)
                      : real_.Write(fd, bytes);
  }
  int Sync(int fd) override { return real_.Sync(fd); }
  void Close(int fd) override { real_.Close(fd); }
  int Link(const std::string& from, const std::string& to) override { return real_.Link(from, to); }
  int Remove(const std::string& path) override { return real_.Remove(path); }
  int MakeDirectory(const std::string& path) override { return real_.MakeDirectory(path); }
  int SyncDirectory(const std::string& path) override { return real_.SyncDirectory(path); }
  int Read(const std::string& path, size_t max, std::string& bytes) override {
    return real_.Read(path, max, bytes);
  }

 private:
  int Wait() {
    absl::MutexLock lock(&mutex_);
    waiting_ = held_;
    mutex_.Await(absl::Condition(this, &StubbornFileCalls::Free));
    waiting_ = false;
    return error_;
  }
  bool Free() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !held_; }

  PosixFileCalls real_;
  mutable absl::Mutex mutex_;
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
  int error_ ABSL_GUARDED_BY(mutex_) = 0;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace comity

#endif  // COMITY_TESTS_FAKES_STUBBORN_FILE_CALLS_H_
