#include "services/common/server/status_codec.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(StatusCodecTest, SuccessStaysSuccess) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus(), nullptr).ok());
  EXPECT_THAT(FromGrpcStatus(grpc::Status::OK, grpc::ClientContext()), IsOk());
}

TEST(StatusCodecTest, EveryReasonKeepsItsCode) {
  for (const ReasonInfo& info : AllReasons()) {
    const grpc::Status status = ToGrpcStatus(Refuse(info.reason), nullptr);
    EXPECT_EQ(static_cast<int>(status.error_code()), static_cast<int>(info.code)) << info.name;
  }
}

TEST(StatusCodecTest, CauseOfARefusalDoesNotLeaveTheProcess) {
  const grpc::Status status =
      ToGrpcStatus(Refuse(Reason::kAccountNotYours, "secret detail"), nullptr);
  EXPECT_THAT(status.error_message(), Not(HasSubstr("secret detail")));
}

TEST(StatusCodecTest, CauseAboutTheCallersOwnMessageIsTold) {
  const grpc::Status status = ToGrpcStatus(Refuse(Reason::kFieldInvalid, "account_id"), nullptr);
  EXPECT_THAT(status.error_message(), HasSubstr("account_id"));
}

TEST(StatusCodecTest, StatusMadeElsewhereLeavesAsInternalWithoutItsText) {
  const grpc::Status status = ToGrpcStatus(absl::NotFoundError("/private/path"), nullptr);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), Not(HasSubstr("/private/path")));
}

TEST(StatusCodecTest, CodesWithoutAReasonBecomeTheNearestReason) {
  const grpc::ClientContext context;
  const auto reason = [&](grpc::StatusCode code, const std::string& text = "text") {
    return ReasonOf(FromGrpcStatus(grpc::Status(code, text), context));
  };
  EXPECT_EQ(reason(grpc::StatusCode::UNAVAILABLE), Reason::kPeerUnavailable);
  EXPECT_EQ(reason(grpc::StatusCode::DEADLINE_EXCEEDED), Reason::kDeadline);
  EXPECT_EQ(reason(grpc::StatusCode::CANCELLED), Reason::kCancelled);
  EXPECT_EQ(reason(grpc::StatusCode::RESOURCE_EXHAUSTED), Reason::kOverloaded);
  EXPECT_EQ(
      reason(grpc::StatusCode::RESOURCE_EXHAUSTED, "Received message larger than max (3 vs. 2)"),
      Reason::kMessageTooLarge);
  EXPECT_EQ(reason(grpc::StatusCode::UNIMPLEMENTED), Reason::kInternal);
  EXPECT_EQ(reason(grpc::StatusCode::PERMISSION_DENIED), Reason::kInternal);
}

TEST(StatusCodecTest, ServerThatOurVerifierRefusedHasAnInvalidCertificate) {
  const absl::Status status = FromGrpcStatus(
      grpc::Status(grpc::StatusCode::UNAVAILABLE,
                   "failed to connect: Custom verification check failed with error: expired"),
      grpc::ClientContext());
  EXPECT_THAT(status, RefusedWith(Reason::kCertificateInvalid));
  EXPECT_THAT(CauseOf(status), HasSubstr("expired"));
}

TEST(StatusCodecTest, RemoteTextIsBoundedAndClean) {
  const absl::Status status = FromGrpcStatus(
      grpc::Status(grpc::StatusCode::UNAVAILABLE, "a\x1b[2Jb\n" + std::string(10'000, 'x')),
      grpc::ClientContext());
  const std::string cause = CauseOf(status);
  EXPECT_LE(cause.size(), 1024U);
  EXPECT_THAT(cause, HasSubstr("a [2Jb x"));
}

TEST(StatusCodecTest, ReasonIsReadFromTheBytesOfTheMetadata) {
  const grpc::Status status(grpc::StatusCode::FAILED_PRECONDITION, "text");
  EXPECT_THAT(FromGrpcStatus(status, std::string_view("\x08\x33")),  // field 1: 51
              RefusedWith(Reason::kAccountSuspended));
}

TEST(StatusCodecTest, DelayIsReadFromTheMetadataAndBounded) {
  const grpc::Status status(grpc::StatusCode::RESOURCE_EXHAUSTED, "text");
  const absl::Status soon = FromGrpcStatus(status, std::string_view("\x08\x64\x18\x05"));
  EXPECT_THAT(soon, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(soon), std::chrono::milliseconds(5));
  EXPECT_EQ(RetryAfterOf(FromGrpcStatus(status, std::string_view("\x08\x64"))),
            std::chrono::milliseconds(0));
  EXPECT_EQ(RetryAfterOf(FromGrpcStatus(
                status, std::string_view("\x08\x64\x18\xff\xff\xff\xff\x0f"))),  // 2^32 - 1
            kMaxRetryAfter);
}

TEST(StatusCodecTest, MetadataThatCannotBeReadIsAsNone) {
  const grpc::Status status(grpc::StatusCode::UNAVAILABLE, "text");
  for (const std::string_view info : {"\x08", "\x08\x7f", "", "\xff\xff\xff"}) {
    EXPECT_THAT(FromGrpcStatus(status, info), RefusedWith(Reason::kPeerUnavailable));
  }
}

}  // namespace
}  // namespace comity
