#ifndef COMITY_TESTS_SIM_ACTIVITY_H_
#define COMITY_TESTS_SIM_ACTIVITY_H_

#include <functional>
#include <memory>

#include <ucontext.h>

namespace comity::sim {

// Sequential code that can be left off in the middle and gone on with later: the product's blocking
// code runs in one, on a stack of its own, and is left off wherever it touches a disk, a log or
// another machine. All activities share one thread. One that is never gone on with is what a
// killed process leaves: nothing of it runs, no destructor either.
class Activity final {
 public:
  explicit Activity(std::function<void()> body);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

  // Runs it until it suspends or ends. From outside of every activity, while it has not ended.
  void Resume();
  bool ended() const { return ended_; }

  // Leaves off the running activity; returns when it is gone on with.
  static void Suspend();
  // The running activity; null outside of all.
  static Activity* current();

 private:
  static void Main();
  void SwitchOut(bool for_good);

  const std::function<void()> body_;
  bool ended_ = false;
  const std::unique_ptr<char[]> stack_;
  ucontext_t self_;
  ucontext_t outside_;
  // For the sanitizers, which have to be told of each change of stacks.
  [[maybe_unused]] void* fiber_ = nullptr;
  [[maybe_unused]] void* outside_fiber_ = nullptr;
  [[maybe_unused]] const void* outside_stack_ = nullptr;
  [[maybe_unused]] size_t outside_size_ = 0;
};

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_ACTIVITY_H_
