#include "services/common/server/call_environment.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "services/common/server/call_watch.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/worker_pool.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

// Refusals by a fault that an operator should look into; only their causes are logged. What a
// caller got wrong is told to the caller.
bool IsFault(Reason reason) {
  return reason == Reason::kStoreUnavailable || reason == Reason::kPeerUnavailable ||
         reason == Reason::kLogUnavailable || reason == Reason::kDataCorrupt ||
         reason == Reason::kInternal;
}

std::string DescribeCaller(const absl::StatusOr<Authorization>& admission) {
  if (!admission.ok()) {
    return "refused";
  }
  const Caller& caller = admission->caller();
  std::string text(Name(caller.kind));
  if (caller.kind == Caller::Kind::kService) {
    text = Name(caller.service);
  }
  if (!caller.region.empty()) {
    text.append("@").append(caller.region.name());
  }
  return text;
}

// Tells calls apart in the log of one process.
std::string NextRequestId() {
  static std::atomic<uint64_t> next{0};
  return std::to_string(next.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace

std::chrono::milliseconds CallLimits::For(std::string_view method) const {
  const auto own = by_method.find(method);
  return own == by_method.end() ? unary : own->second;
}

CallEnvironment::CallEnvironment(Options options)
    : options_(std::move(options)),
      stats_(options_.guard->rules()),
      watch_(std::make_unique<CallWatch>()),
      pool_(std::make_unique<WorkerPool>(options_.pool_threads, options_.pool_queue)) {}

CallEnvironment::~CallEnvironment() = default;

void CallEnvironment::AwaitNoneRunning(std::chrono::steady_clock::time_point end,
                                       const std::function<bool()>& hurry) const {
  // Looked at now and then, so that a call has nobody to wake when it ends.
  constexpr std::chrono::milliseconds kInterval{10};
  while (stats_.running() > 0 && std::chrono::steady_clock::now() < end && !(hurry && hurry())) {
    std::this_thread::sleep_for(kInterval);
  }
}

ActiveCall::ActiveCall(CallEnvironment& environment, grpc::ServerContextBase* context,
                       std::string_view method)
    : environment_(&environment),
      context_(context),
      method_(method),
      stats_(environment.stats_.Find(method)),
      start_(std::chrono::steady_clock::now()),
      deadline_(std::min(context->deadline(), std::chrono::system_clock::now() +
                                                  environment.options_.limits.For(method))),
      admission_(Admit()),
      refusal_(admission_.status()) {
  stats_->Begin();
  if (admission_.ok()) admission_->note_ = &note_;
  if (admission_.ok() && environment.recognise_) RecogniseConnection();
  if (admission_.ok() && environment.arrival_check_) {
    refusal_ = environment.arrival_check_(*admission_);
  }
}

absl::Status ActiveCall::CheckAudit(std::chrono::steady_clock::time_point now) const {
  const CallEnvironment::Options& options = environment_->options_;
  return !audited() || options.protective_methods.contains(method_) ? absl::OkStatus()
                                                                    : options.audit->Check(now);
}

absl::StatusOr<Authorization> ActiveCall::Admit() {
  if (environment_->draining()) return Refuse(Reason::kDraining);
  RETURN_IF_ERROR(CheckAudit(start_));
  return environment_->options_.guard->Admit(*context_, method_, deadline_, caller_);
}

void ActiveCall::RecogniseConnection() const {
  struct Seen {
    size_t peer = 0;
    std::chrono::steady_clock::time_point until;
  };
  // Per thread, so that calls do not meet at one lock. Two peers in one slot cost some more calls.
  static thread_local std::array<Seen, 256> seen{};
  const std::string peer = context_->peer();
  // One process may have several servers.
  const size_t hash = std::hash<std::string>()(peer) ^ reinterpret_cast<uintptr_t>(environment_);
  Seen& slot = seen[hash % seen.size()];
  if (slot.peer == hash && start_ < slot.until) return;
  slot = {hash, start_ + std::chrono::seconds(1)};
  environment_->recognise_(peer);
}

absl::Status ActiveCall::CheckStart() const {
  if (!refusal_.ok()) {
    return refusal_;
  }
  if (deadline_ <= std::chrono::system_clock::now()) {
    return Refuse(Reason::kDeadline, "the deadline passed before the work began");
  }
  // It may have waited for long.
  return CheckAudit(std::chrono::steady_clock::now());
}

absl::Status ActiveCall::Record(const absl::Status& outcome) const {
  if (!audited()) return outcome;
  AuditLog& audit = *environment_->options_.audit;
  // Nothing can be written, and nothing was done.
  if (caller_ == nullptr && !audit.Check(start_).ok()) return outcome;
  AuditLog::Call call{method_, caller_, note_, ReasonOf(outcome)};
  if (outcome.ok() && !note_.authorisation.IsZero()) return audit.AppendDurably(std::move(call));
  audit.Append(std::move(call));
  return outcome;
}

grpc::Status ActiveCall::Finish(const absl::Status& reached) {
  const absl::Status outcome = Record(reached);
  const Reason reason = ReasonOf(outcome);
  const auto took = std::chrono::steady_clock::now() - start_;
  stats_->End(reason, took);
  ServiceLog* log = environment_->options_.log;
  // Calls that come in masses: a line for each would cost more than the call.
  // While no record can be kept of them, all are refused, and that has been told.
  const bool unrecorded = reason == Reason::kStoreUnavailable && caller_ == nullptr;
  const bool counted = unrecorded || reason == Reason::kRateLimited ||
                       reason == Reason::kOverloaded ||
                       (outcome.ok() && environment_->options_.frequent_methods.contains(method_));
  const LogLevel level = counted           ? LogLevel::kDebug
                         : IsFault(reason) ? LogLevel::kWarn
                                           : LogLevel::kInfo;
  if (log != nullptr && log->enabled(level)) {
    const auto latency = std::chrono::duration_cast<std::chrono::microseconds>(took);
    const std::string request = NextRequestId();
    const std::string caller = DescribeCaller(admission_);
    const std::string latency_us = std::to_string(latency.count());
    const std::string_view name = outcome.ok() ? "OK" : Describe(reason).name;
    if (level == LogLevel::kWarn) {
      log->Write(level, "call",
                 {{"request", request},
                  {"method", method_},
                  {"caller", caller},
                  {"reason", name},
                  {"latency_us", latency_us},
                  {"cause", HideIds(CauseOf(outcome))}});
    } else {
      log->Write(level, "call",
                 {{"request", request},
                  {"method", method_},
                  {"caller", caller},
                  {"reason", name},
                  {"latency_us", latency_us}});
    }
  }
  return ToGrpcStatus(outcome, context_);
}

}  // namespace comity
