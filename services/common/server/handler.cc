#include "services/common/server/handler.h"

#include <memory>
#include <utility>

#include "services/common/server/call_watch.h"
#include "services/common/server/worker_pool.h"
#include "services/common/status/reason.h"

namespace comity {

grpc::Status Handle(CallEnvironment& environment, grpc::ServerContext* context,
                    std::string_view method, const CallBody& body) {
  ActiveCall call(environment, context, method);
  absl::Status outcome;
  {
    const CallWatch::Scope watched(environment.watch(), context, call.deadline());
    outcome = call.Run(body);
  }
  return call.Finish(outcome);
}

grpc::ServerUnaryReactor* HandleOnPool(CallEnvironment& environment,
                                       grpc::CallbackServerContext* context,
                                       std::string_view method, CallBody body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  auto call = std::make_shared<ActiveCall>(environment, context, method);
  if (!call->refusal().ok()) {
    reactor->Finish(call->Finish(call->refusal()));
    return reactor;
  }
  const bool taken = environment.pool().Submit([=, body = std::move(body)]() mutable {
    // Nobody waits any more for what was cancelled in the queue: others do.
    grpc::Status answer =
        call->Finish(context->IsCancelled() ? Refuse(Reason::kCancelled, "before the work began")
                                            : call->Run(body));
    // Finishing lets gRPC free the request and what belongs to it: nothing of them after it.
    body = nullptr;
    reactor->Finish(std::move(answer));
  });
  if (!taken) {
    reactor->Finish(call->Finish(Refuse(Reason::kOverloaded, "the worker queue is full")));
  }
  return reactor;
}

}  // namespace comity
