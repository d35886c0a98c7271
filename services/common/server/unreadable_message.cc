#include "services/common/server/unreadable_message.h"

#include <string_view>

#include "absl/container/flat_hash_set.h"

#include "services/common/status/reason.h"

namespace comity {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::ServerRpcInfo;

class UnreadableMessage final : public grpc::experimental::Interceptor {
 public:
  // `method`: of the guard's rules, which outlive the call.
  UnreadableMessage(CallEnvironment* calls, ServerRpcInfo* info, std::string_view method)
      : calls_(*calls), info_(*info), method_(method) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      unreadable_ = methods->GetRecvMessage() == nullptr;
    }
    if (unreadable_ &&
        methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      ActiveCall call(calls_, info_.server_context(), method_);
      methods->ModifySendStatus(call.Finish(call.Run([](const Authorization&) {
        return Refuse(Reason::kFieldInvalid, "the bytes are no message of this method");
      })));
    }
    methods->Proceed();
  }

 private:
  CallEnvironment& calls_;
  ServerRpcInfo& info_;
  const std::string_view method_;
  bool unreadable_ = false;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(CallEnvironment* calls) : calls_(calls) {
    const CallEnvironment::Options& options = calls->options();
    for (const auto& [method, rule] : options.guard->rules()) {
      if (!options.frequent_methods.contains(method)) methods_.insert(method);
    }
  }

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    if (info->type() != ServerRpcInfo::Type::UNARY &&
        info->type() != ServerRpcInfo::Type::SERVER_STREAMING) {
      return nullptr;
    }
    const auto method = methods_.find(std::string_view(info->method()));
    return method == methods_.end() ? nullptr : new UnreadableMessage(calls_, info, *method);
  }

 private:
  CallEnvironment* const calls_;
  absl::flat_hash_set<std::string_view> methods_;  // of the guard's rules
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RefuseUnreadableMessages(
    CallEnvironment* calls) {
  return std::make_unique<Factory>(calls);
}

}  // namespace comity
