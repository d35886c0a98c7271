#ifndef COMITY_COMMON_SERVER_REFLECTION_H_
#define COMITY_COMMON_SERVER_REFLECTION_H_

#include <memory>

#include <grpcpp/impl/codegen/service_type.h>

#include "services/common/server/call_environment.h"

// gRPC server reflection behind our own choke point: what services and messages there are is told
// to every verified identity, and to no stranger. gRPC's own implementation registers itself for
// everybody.
namespace comity {

inline constexpr char kReflectionMethod[] =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// `rules` and who may ask: everybody whose certificate verifies.
MethodRules WithReflection(MethodRules rules);

// Describes the services that have methods with rules in the guard of `calls`, and what their
// messages are made of; nothing else that this program was built with. `calls` outlives it.
std::unique_ptr<grpc::Service> MakeReflectionService(CallEnvironment* calls);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_REFLECTION_H_
