#ifndef COMITY_COMMON_SERVER_GRPC_LOG_H_
#define COMITY_COMMON_SERVER_GRPC_LOG_H_

#include <string_view>

#include "services/common/server/service_log.h"

namespace comity {

// From now on the errors that gRPC reports go to standard error as lines like those of ServiceLog
// (event "grpc"), and what protobuf says of messages goes nowhere. For the whole process: each has
// one log.
void InstallGrpcLog(LogFormat format);

// Is this a report that is not for the operator? gRPC's server complains of every connection whose
// client asked for an address instead of a name in the certificate (ours always do), and of every
// handshake that a stranger breaks off, of which a stranger can make as many as he likes.
bool IsGrpcNoise(std::string_view message);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_GRPC_LOG_H_
