#include "services/common/server/status_codec.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "comity/common/v1/common.pb.h"
#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"

namespace comity {
namespace {

namespace wire = comity::common::v1;

// How gRPC 1.51 tells that our verifier (credentials.h) refused a server in the handshake.
constexpr std::string_view kVerifierRefused = "Custom verification check failed with error";
constexpr size_t kMaxRemoteText = 1024;
constexpr uint32_t kFenceRetryMs = 250;
constexpr uint32_t kDefaultRetryMs = 1000;

uint32_t RetryAfterMs(const absl::Status& status, const ReasonInfo& info) {
  if (const auto told = RetryAfterOf(status); told.count() > 0) {
    return static_cast<uint32_t>(std::min(told, kMaxRetryAfter).count());
  }
  if (info.reason == Reason::kAccountFenced || info.reason == Reason::kOverloaded) {
    return kFenceRetryMs;
  }
  return info.code == absl::StatusCode::kUnavailable ||
                 info.code == absl::StatusCode::kResourceExhausted
             ? kDefaultRetryMs
             : 0;
}

std::string FixedText(const ReasonInfo& info) {
  return std::string(info.text).append(" ").append(info.remedy);
}

// Bounded, and free of what could break a line or a terminal.
std::string CleanRemoteText(std::string_view text) {
  std::string clean(text.substr(0, kMaxRemoteText));
  std::ranges::replace_if(
      clean, [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; }, ' ');
  return clean;
}

// What the other side said beyond the text that this reason has anyway.
std::string RemoteCause(const ReasonInfo& info, std::string_view remote_text) {
  const std::string fixed = FixedText(info);
  if (!remote_text.starts_with(fixed)) {
    return CleanRemoteText(remote_text);
  }
  remote_text.remove_prefix(fixed.size());
  if (remote_text.starts_with(": ")) {
    remote_text.remove_prefix(2);
  }
  return CleanRemoteText(remote_text);
}

// What the other side's metadata says, if it has a reason that is known here.
std::optional<wire::ErrorInfo> ReadErrorInfo(std::string_view bytes) {
  wire::ErrorInfo info;
  if (!info.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  const auto reason = static_cast<Reason>(info.reason());
  if (reason == Reason::kUnspecified || Describe(reason).reason != reason) {
    return std::nullopt;
  }
  return info;
}

Reason ReasonFromCode(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::UNAVAILABLE:
      return Reason::kPeerUnavailable;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return Reason::kDeadline;
    case grpc::StatusCode::CANCELLED:
      return Reason::kCancelled;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return Reason::kOverloaded;
    default:
      return Reason::kInternal;
  }
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status, grpc::ServerContextBase* context) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  const Reason reason = ReasonOf(status);
  const ReasonInfo& info = Describe(reason);
  if (context != nullptr) {
    wire::ErrorInfo error;
    error.set_reason(static_cast<wire::ErrorReason>(reason));
    error.set_remedy(std::string(info.remedy));
    error.set_retry_after_ms(RetryAfterMs(status, info));
    context->AddTrailingMetadata(kErrorMetadata, error.SerializeAsString());
  }
  // The text of a status that was made elsewhere may say anything.
  const std::string text =
      reason == Reason::kInternal ? FixedText(info) : std::string(status.message());
  return {static_cast<grpc::StatusCode>(info.code), text};
}

absl::Status FromGrpcStatus(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto [begin, end] = metadata.equal_range(kErrorMetadata);
  if (begin == end || std::next(begin) != end) {
    return FromGrpcStatus(status, std::nullopt);
  }
  return FromGrpcStatus(status, std::string_view(begin->second.data(), begin->second.size()));
}

absl::Status FromGrpcStatus(const grpc::Status& status,
                            std::optional<std::string_view> error_info) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  if (const std::optional<wire::ErrorInfo> info =
          error_info.has_value() ? ReadErrorInfo(*error_info) : std::nullopt) {
    const auto reason = static_cast<Reason>(info->reason());
    const std::string cause = RemoteCause(Describe(reason), status.error_message());
    return info->retry_after_ms() == 0
               ? Refuse(reason, cause)
               : RefuseFor(reason, std::chrono::milliseconds(info->retry_after_ms()), cause);
  }
  Reason reason = ReasonFromCode(status.error_code());
  // gRPC itself answers so when a message is over the receiver's limit.
  if (reason == Reason::kOverloaded &&
      status.error_message().find("larger than max") != std::string::npos) {
    reason = Reason::kMessageTooLarge;
  }
  if (reason == Reason::kPeerUnavailable &&
      status.error_message().find(kVerifierRefused) != std::string::npos) {
    reason = Reason::kCertificateInvalid;
  }
  return Refuse(reason, CleanRemoteText(status.error_message()));
}

}  // namespace comity
