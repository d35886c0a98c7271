#include "tests/bench/load.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include <unistd.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::bench {
namespace {

using Steady = std::chrono::steady_clock;

uint32_t MicrosSince(Steady::time_point begin) {
  return static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - begin).count());
}

class Load final {
 public:
  Load(const LoadPlan& plan, const StartCall& start)
      : plan_(plan), start_(start), end_(Steady::now() + plan.duration), slots_(plan.slots) {}

  absl::StatusOr<Sample> Run() {
    const Steady::time_point begin = Steady::now();
    {
      absl::MutexLock lock(&mutex_);
      running_ = slots_.size();
    }
    for (size_t slot = 0; slot < slots_.size(); ++slot) Next(slot);
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](size_t* running) { return *running == 0; }, &running_));
    Sample sample;
    sample.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
    if (!failure_.ok()) return failure_;
    for (const Slot& slot : slots_) {
      sample.latency_us.insert(sample.latency_us.end(), slot.latency_us.begin(),
                               slot.latency_us.end());
    }
    sample.operations = static_cast<double>(sample.latency_us.size());
    return sample;
  }

 private:
  struct Slot {
    Steady::time_point begin;
    std::vector<uint32_t> latency_us;
  };

  void Next(size_t index) {
    const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    Slot& slot = slots_[index];
    slot.begin = Steady::now();
    if (number >= plan_.most || slot.begin >= end_) {
      absl::MutexLock lock(&mutex_);
      --running_;
      return;
    }
    start_(index, number, [this, index](const grpc::Status& status) { Ended(index, status); });
  }

  void Ended(size_t index, const grpc::Status& status) {
    Slot& slot = slots_[index];
    if (!status.ok()) {
      absl::MutexLock lock(&mutex_);
      if (failure_.ok()) {
        failure_ = Refuse(Reason::kInternal, "a call failed: " + status.error_message());
      }
      --running_;
      return;
    }
    slot.latency_us.push_back(MicrosSince(slot.begin));
    Next(index);
  }

  const LoadPlan plan_;
  const StartCall& start_;
  const Steady::time_point end_;
  std::vector<Slot> slots_;
  std::atomic<uint64_t> next_{0};
  absl::Mutex mutex_;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<Sample> RunLoad(const LoadPlan& plan, const StartCall& start) {
  return Load(plan, start).Run();
}

double CpuSecondsOf(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  // The second field is the program's name in brackets and may hold anything.
  const size_t end = text.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream fields(text.substr(end + 1));
  std::string skipped;
  constexpr int kUserTime = 14;  // proc(5)
  for (int i = 3; i < kUserTime; ++i) fields >> skipped;
  double user = 0;
  double kernel = 0;
  fields >> user >> kernel;
  return (user + kernel) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

absl::StatusOr<Sample> MeasureOnce(pid_t server, const std::function<absl::Status()>& work) {
  const double cpu = CpuSecondsOf(server);
  const Steady::time_point begin = Steady::now();
  RETURN_IF_ERROR(work());
  Sample sample;
  sample.operations = 1;
  sample.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  sample.cpu_seconds = CpuSecondsOf(server) - cpu;
  sample.latency_us.push_back(MicrosSince(begin));
  return sample;
}

absl::StatusOr<Rounds> Interleave(size_t rounds, const Round& ours, const Round& bare,
                                  bool warm_up) {
  Rounds result;
  if (warm_up) {
    RETURN_IF_ERROR(ours().status());
    RETURN_IF_ERROR(bare().status());
  }
  for (size_t i = 0; i < rounds; ++i) {
    // Neither side always finds the machine as the other left it.
    const bool ours_first = i % 2 == 0;
    for (const bool mine : {ours_first, !ours_first}) {
      ASSIGN_OR_RETURN(Sample sample, mine ? ours() : bare());
      (mine ? result.ours : result.bare).push_back(std::move(sample));
    }
  }
  return result;
}

}  // namespace comity::bench
