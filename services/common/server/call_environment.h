#ifndef COMITY_COMMON_SERVER_CALL_ENVIRONMENT_H_
#define COMITY_COMMON_SERVER_CALL_ENVIRONMENT_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <grpcpp/server_context.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/audit/audit_log.h"
#include "services/common/server/call_stats.h"
#include "services/common/server/guard.h"
#include "services/common/server/service_log.h"
#include "services/common/status/reason.h"

namespace comity {

// How long calls may take. A call whose own deadline is sooner keeps that.
struct CallLimits {
  std::chrono::milliseconds unary{30'000};
  std::map<std::string, std::chrono::milliseconds, std::less<>> by_method;  // full method name
  std::chrono::milliseconds For(std::string_view method) const;
};

class CallWatch;
class WorkerPool;

// What every call of one server shares: guard, limits, counters, the worker pool, and whether the
// server is draining. Thread-safe.
class CallEnvironment final {
 public:
  struct Options {
    const Guard* guard = nullptr;  // these three outlive the environment
    ServiceLog* log = nullptr;     // null: calls are not logged
    // Null: no audit records. They are kept of all calls but those of methods that are for every
    // verified identity; while they cannot be written, such calls alone are answered.
    AuditLog* audit = nullptr;
    // Full names of methods that only take power away, as sealing does, or tell of that: answered
    // also then.
    std::set<std::string, std::less<>> protective_methods;
    CallLimits limits;
    // Full names of methods that a device calls for each object. Their successful calls are counted
    // and not logged, unless at "debug"; refusals are logged like all others. They take their
    // messages as bytes, and refuse what they cannot read themselves (unreadable_message.h).
    std::set<std::string, std::less<>> frequent_methods;
    size_t pool_threads = 8;
    size_t pool_queue = 256;  // more work waiting than this is refused: OVERLOADED
  };
  explicit CallEnvironment(Options options);
  ~CallEnvironment();

  // From now on every call is refused with DRAINING; running ones end as they would.
  void StartDraining() { draining_.store(true, std::memory_order_relaxed); }
  // Returns when no call runs any more, at `end`, or when `hurry`, if any, says so. Once it is
  // draining.
  void AwaitNoneRunning(std::chrono::steady_clock::time_point end,
                        const std::function<bool()>& hurry) const;
  bool draining() const { return draining_.load(std::memory_order_relaxed); }

  // Told of the connections on which calls are admitted, now and then: once a second for each and
  // each thread. Set before the first call.
  using Recognise = std::function<void(const std::string& peer)>;
  void SetRecognise(Recognise recognise) { recognise_ = std::move(recognise); }

  // Asked about every call that the guard has let in, before it waits for anything: what it refuses
  // takes no place in the queue. Never blocks. Set before the first call.
  using ArrivalCheck = std::function<absl::Status(const Authorization&)>;
  void SetArrivalCheck(ArrivalCheck check) { arrival_check_ = std::move(check); }

  // Calls ended so far with this reason; kUnspecified counts the successful ones.
  uint64_t Count(Reason reason) const { return stats_.Count(reason); }
  CallStats& stats() { return stats_; }

  const Options& options() const { return options_; }
  WorkerPool& pool() { return *pool_; }
  CallWatch& watch() { return *watch_; }

 private:
  friend class ActiveCall;
  const Options options_;
  std::atomic<bool> draining_{false};
  CallStats stats_;
  Recognise recognise_;
  ArrivalCheck arrival_check_;
  std::unique_ptr<CallWatch> watch_;
  std::unique_ptr<WorkerPool> pool_;
};

// One call from its arrival to its answer: the only place that admits, maps codes, counts and logs.
// handler.h is how services use it.
class ActiveCall final {
 public:
  // Checks draining, deadline, the guard and the arrival check.
  ActiveCall(CallEnvironment& environment, grpc::ServerContextBase* context,
             std::string_view method);
  ActiveCall(const ActiveCall&) = delete;
  ActiveCall& operator=(const ActiveCall&) = delete;

  const absl::Status& refusal() const { return refusal_; }
  // Runs `work` if the call was admitted and is still in time; exceptions become INTERNAL.
  template <typename Work>
  absl::Status Run(const Work& work) {
    if (absl::Status late = CheckStart(); !late.ok()) {
      return late;
    }
    try {
      return work(*admission_);
    } catch (const std::exception& error) {
      return Refuse(Reason::kInternal, error.what());
    } catch (...) {
      return Refuse(Reason::kInternal, "unknown exception");
    }
  }
  // Records, counts, logs one line (never the message or a name) and gives what goes to the caller.
  grpc::Status Finish(const absl::Status& reached);
  Authorization::Deadline deadline() const { return deadline_; }

 private:
  absl::StatusOr<Authorization> Admit();
  // May what this call asks for be done without a record of it?
  absl::Status CheckAudit(std::chrono::steady_clock::time_point now) const;
  bool audited() const { return environment_->options_.audit != nullptr && !stats_->open(); }
  // The outcome; another one if a record that must not be lost cannot be written.
  absl::Status Record(const absl::Status& outcome) const;
  absl::Status CheckStart() const;
  void RecogniseConnection() const;

  CallEnvironment* environment_;
  grpc::ServerContextBase* context_;
  std::string_view method_;
  MethodStats* stats_;
  std::chrono::steady_clock::time_point start_;
  Authorization::Deadline deadline_;
  std::shared_ptr<const Caller> caller_;  // null: nobody was identified
  absl::StatusOr<Authorization> admission_;
  absl::Status refusal_;
  CallNote note_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_CALL_ENVIRONMENT_H_
