#ifndef COMITY_COMMON_SERVER_STATUS_CODEC_H_
#define COMITY_COMMON_SERVER_STATUS_CODEC_H_

#include <optional>
#include <string_view>

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"

// Errors between services: the code and text of a grpc::Status, and the reason in trailing metadata
// "comity-error-bin" as a serialised comity.common.v1.ErrorInfo.
namespace comity {

inline constexpr char kErrorMetadata[] = "comity-error-bin";

// What leaves the process: code, text and remedy of the reason, and when to try again: what the
// refusal says of that, else what suits the reason. The cause stays here, except for
// INVALID_ARGUMENT, where it speaks of the caller's own message; an error that Refuse() did not
// make leaves as INTERNAL without its text. `context` may be null.
grpc::Status ToGrpcStatus(const absl::Status& status, grpc::ServerContextBase* context);

// The refusal as this process would make it, for a finished call; what the other side's text says
// beyond our own text of that reason becomes the cause, and its delay, bounded, ours
// (status/retry_after.h). Without the metadata (the call did not
// reach a service of ours) the reason follows from the code: PEER_UNAVAILABLE, DEADLINE, CANCELLED,
// OVERLOADED, MESSAGE_TOO_LARGE, otherwise INTERNAL; and
// CERTIFICATE_INVALID when this side refused the other's certificate.
absl::Status FromGrpcStatus(const grpc::Status& status, const grpc::ClientContext& context);
// The same over what it takes from the context: the bytes of "comity-error-bin", if it came once.
absl::Status FromGrpcStatus(const grpc::Status& status, std::optional<std::string_view> error_info);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_STATUS_CODEC_H_
