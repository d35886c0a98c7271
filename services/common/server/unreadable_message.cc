#include "services/common/server/unreadable_message.h"

#include <string_view>

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
  explicit Factory(CallEnvironment* calls) : calls_(calls) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    if (info->type() != ServerRpcInfo::Type::UNARY &&
        info->type() != ServerRpcInfo::Type::SERVER_STREAMING) {
      return nullptr;
    }
    const MethodRules& rules = calls_->options().guard->rules();
    const auto rule = rules.find(std::string_view(info->method()));
    return rule == rules.end() ? nullptr : new UnreadableMessage(calls_, info, rule->first);
  }

 private:
  CallEnvironment* const calls_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RefuseUnreadableMessages(
    CallEnvironment* calls) {
  return std::make_unique<Factory>(calls);
}

}  // namespace comity
