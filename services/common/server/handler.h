#ifndef COMITY_COMMON_SERVER_HANDLER_H_
#define COMITY_COMMON_SERVER_HANDLER_H_

#include <functional>
#include <string_view>

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "services/common/server/call_environment.h"

// The wrapper around every handler: the generated override is one statement around a function that
// takes an Authorization and returns an absl::Status. The wrapper alone identifies and authorises
// the caller (before the function sees anything), enforces deadlines, refuses while draining, maps
// codes, counts, and logs one line. Exceptions never escape.
//
// `method` is the full name ("/comity.custody.v1.CustodyService/UnwrapDataKey") and must be a
// constant that lives for ever.
namespace comity {

using CallBody = std::function<absl::Status(const Authorization&)>;

// Synchronous handlers, streams included. The call is cancelled when its time is over.
grpc::Status Handle(CallEnvironment& environment, grpc::ServerContext* context,
                    std::string_view method, const CallBody& body);

// Callback unary handlers that never block: runs `body` here and now, without an allocation.
template <typename Body>
grpc::ServerUnaryReactor* HandleInline(CallEnvironment& environment,
                                       grpc::CallbackServerContext* context,
                                       std::string_view method, const Body& body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  ActiveCall call(environment, context, method);
  reactor->Finish(call.Finish(call.Run(body)));
  return reactor;
}

// Callback unary handlers that block (store, log, other services): runs `body` on the small worker
// pool. The caller is identified before its work is queued; a full queue is OVERLOADED. What is
// cancelled, or late, when its turn comes is not done. Request and response stay valid until `body`
// returns.
grpc::ServerUnaryReactor* HandleOnPool(CallEnvironment& environment,
                                       grpc::CallbackServerContext* context,
                                       std::string_view method, CallBody body);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_HANDLER_H_
