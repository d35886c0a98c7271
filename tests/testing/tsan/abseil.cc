// What Abseil's mutexes and notifications order, in our code and in gRPC (behind.h).

#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

#include "tests/testing/tsan/behind.h"

// In the sanitizer's runtime, but in no header of it.
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);

namespace absl {
ABSL_NAMESPACE_BEGIN

namespace {

// `name` as it is mangled behind the namespace. A member function is called like a function that
// takes the object first.
template <typename Result, typename... Arguments>
auto Behind(const char* prefix, const char* name) {
  return comity::Behind<Result, Arguments...>(prefix + comity::MangledAbsl() + name);
}

}  // namespace

// What one holder did is ordered before what the next one does.
void Mutex::Lock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<void, Mutex*>("_ZN", "5Mutex4LockEv");
  behind(this);
  __tsan_acquire(this);
}
void Mutex::Unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<void, Mutex*>("_ZN", "5Mutex6UnlockEv");
  __tsan_release(this);
  behind(this);
}
bool Mutex::TryLock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, Mutex*>("_ZN", "5Mutex7TryLockEv");
  const bool result = behind(this);
  if (result) __tsan_acquire(this);
  return result;
}
void Mutex::ReaderLock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<void, Mutex*>("_ZN", "5Mutex10ReaderLockEv");
  behind(this);
  __tsan_acquire(this);
}
void Mutex::ReaderUnlock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<void, Mutex*>("_ZN", "5Mutex12ReaderUnlockEv");
  __tsan_release(this);
  behind(this);
}
bool Mutex::ReaderTryLock() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, Mutex*>("_ZN", "5Mutex13ReaderTryLockEv");
  const bool result = behind(this);
  if (result) __tsan_acquire(this);
  return result;
}

// Waiting lets others hold it meanwhile.
void Mutex::Await(const Condition& condition) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind =
      Behind<void, Mutex*, const Condition&>("_ZN", "5Mutex5AwaitERKNS0_9ConditionE");
  __tsan_release(this);
  behind(this, condition);
  __tsan_acquire(this);
}
bool Mutex::AwaitWithTimeout(const Condition& condition,
                             absl::Duration timeout) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, Mutex*, const Condition&, Duration>(
      "_ZN", "5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  __tsan_release(this);
  const bool result = behind(this, condition, timeout);
  __tsan_acquire(this);
  return result;
}
bool Mutex::AwaitWithDeadline(const Condition& condition,
                              absl::Time deadline) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, Mutex*, const Condition&, Time>(
      "_ZN", "5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  __tsan_release(this);
  const bool result = behind(this, condition, deadline);
  __tsan_acquire(this);
  return result;
}
void Mutex::LockWhen(const Condition& condition) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind =
      Behind<void, Mutex*, const Condition&>("_ZN", "5Mutex8LockWhenERKNS0_9ConditionE");
  behind(this, condition);
  __tsan_acquire(this);
}
bool Mutex::LockWhenWithTimeout(const Condition& condition,
                                absl::Duration timeout) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, Mutex*, const Condition&, Duration>(
      "_ZN", "5Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE");
  const bool result = behind(this, condition, timeout);
  __tsan_acquire(this);
  return result;
}
bool Mutex::LockWhenWithDeadline(const Condition& condition,
                                 absl::Time deadline) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, Mutex*, const Condition&, Time>(
      "_ZN", "5Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE");
  const bool result = behind(this, condition, deadline);
  __tsan_acquire(this);
  return result;
}

void CondVar::Wait(Mutex* mutex) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<void, CondVar*, Mutex*>("_ZN", "7CondVar4WaitEPNS0_5MutexE");
  __tsan_release(mutex);
  behind(this, mutex);
  __tsan_acquire(mutex);
}
bool CondVar::WaitWithTimeout(Mutex* mutex, absl::Duration timeout) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, CondVar*, Mutex*, Duration>(
      "_ZN", "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE");
  __tsan_release(mutex);
  const bool result = behind(this, mutex, timeout);
  __tsan_acquire(mutex);
  return result;
}
bool CondVar::WaitWithDeadline(Mutex* mutex, absl::Time deadline) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  static const auto behind = Behind<bool, CondVar*, Mutex*, Time>(
      "_ZN", "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE");
  __tsan_release(mutex);
  const bool result = behind(this, mutex, deadline);
  __tsan_acquire(mutex);
  return result;
}

// Whoever unlocks evaluates what others wait for, and still holds the mutex, though the sanitizer
// was told already that it does not.
bool Condition::Eval() const {
  static const auto behind = Behind<bool, const Condition*>("_ZNK", "9Condition4EvalEv");
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool result = behind(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  return result;
}

void Notification::Notify() {
  static const auto behind = Behind<void, Notification*>("_ZN", "12Notification6NotifyEv");
  __tsan_release(this);
  behind(this);
}
void Notification::WaitForNotification() const {
  static const auto behind =
      Behind<void, const Notification*>("_ZNK", "12Notification19WaitForNotificationEv");
  behind(this);
  __tsan_acquire(const_cast<Notification*>(this));
}
bool Notification::WaitForNotificationWithTimeout(absl::Duration timeout) const {
  static const auto behind = Behind<bool, const Notification*, Duration>(
      "_ZNK", "12Notification30WaitForNotificationWithTimeoutENS0_8DurationE");
  const bool result = behind(this, timeout);
  if (result) __tsan_acquire(const_cast<Notification*>(this));
  return result;
}

ABSL_NAMESPACE_END
}  // namespace absl
