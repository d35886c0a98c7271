#include "tests/sim/activity.h"

#include <utility>

#include "services/common/status/check.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COMITY_SIM_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define COMITY_SIM_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define COMITY_SIM_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define COMITY_SIM_TSAN 1
#endif

#ifdef COMITY_SIM_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef COMITY_SIM_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace comity::sim {
namespace {

#if defined(COMITY_SIM_ASAN) || defined(COMITY_SIM_TSAN)
constexpr size_t kStackBytes = 1 << 20;
#else
constexpr size_t kStackBytes = 256 << 10;
#endif

Activity* running = nullptr;

}  // namespace

Activity::Activity(std::function<void()> body)
    : body_(std::move(body)), stack_(std::make_unique_for_overwrite<char[]>(kStackBytes)) {
  COMITY_CHECK(getcontext(&self_) == 0);
  self_.uc_stack.ss_sp = stack_.get();
  self_.uc_stack.ss_size = kStackBytes;
  self_.uc_link = nullptr;
  makecontext(&self_, &Activity::Main, 0);
#ifdef COMITY_SIM_TSAN
  fiber_ = __tsan_create_fiber(0);
#endif
}

#ifdef COMITY_SIM_TSAN
Activity::~Activity() { __tsan_destroy_fiber(fiber_); }
#else
Activity::~Activity() = default;
#endif

Activity* Activity::current() { return running; }

void Activity::Resume() {
  COMITY_CHECK(running == nullptr && !ended_);
  running = this;
#ifdef COMITY_SIM_ASAN
  void* shadow = nullptr;
  __sanitizer_start_switch_fiber(&shadow, stack_.get(), kStackBytes);
#endif
#ifdef COMITY_SIM_TSAN
  outside_fiber_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(fiber_, 0);
#endif
  COMITY_CHECK(swapcontext(&outside_, &self_) == 0);
#ifdef COMITY_SIM_ASAN
  __sanitizer_finish_switch_fiber(shadow, nullptr, nullptr);
#endif
  running = nullptr;
}

void Activity::SwitchOut([[maybe_unused]] bool for_good) {
#ifdef COMITY_SIM_ASAN
  void* shadow = nullptr;
  __sanitizer_start_switch_fiber(for_good ? nullptr : &shadow, outside_stack_, outside_size_);
#endif
#ifdef COMITY_SIM_TSAN
  __tsan_switch_to_fiber(outside_fiber_, 0);
#endif
  COMITY_CHECK(swapcontext(&self_, &outside_) == 0);
#ifdef COMITY_SIM_ASAN
  __sanitizer_finish_switch_fiber(shadow, &outside_stack_, &outside_size_);
#endif
}

void Activity::Suspend() {
  COMITY_CHECK(running != nullptr);
  running->SwitchOut(false);
}

void Activity::Main() {
  Activity* const self = running;
#ifdef COMITY_SIM_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &self->outside_stack_, &self->outside_size_);
#endif
  self->body_();
  self->ended_ = true;
  self->SwitchOut(true);
}

}  // namespace comity::sim
