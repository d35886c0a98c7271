#ifndef COMITY_COMMON_SERVER_UNREADABLE_MESSAGE_H_
#define COMITY_COMMON_SERVER_UNREADABLE_MESSAGE_H_

#include <memory>

#include <grpcpp/support/server_interceptor.h>

#include "services/common/server/call_environment.h"

namespace comity {

// A request that is no message of its type never reaches a handler: gRPC answers INTERNAL or
// UNIMPLEMENTED, as if the service had failed. These interceptors answer such a call as a handler
// would: the caller is identified first, the refusal is FIELD_INVALID, counted and logged. Of unary
// calls and those that stream only the answer; a message of a stream that cannot be read ends the
// stream (docs/limits.md). An interceptor costs a call 2 µs, so that frequent methods have none and
// read their messages themselves. `calls` outlives the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> RefuseUnreadableMessages(
    CallEnvironment* calls);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_UNREADABLE_MESSAGE_H_
