#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

#include "services/common/audit/audit_log.h"
#include "services/common/server/handler.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/worker_pool.h"
#include "services/common/status/retry_after.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/stubborn_file_calls.h"
#include "tests/handler/server_probe.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_server.h"

namespace comity {
namespace {

using testing::HasSubstr;

// Far beyond what any of these calls takes; only calls that must end sooner set another.
constexpr std::chrono::seconds kPatience{60};

enum class Form { kInline, kPool, kSync };

class HandlerTest : public testing::Test {
 protected:
  void Start(ServiceDefinition definition = ProbeDefinition()) {
    server_ = TestServer::Start(deployment_, {.region = "cn", .definition = std::move(definition)});
    ASSERT_NE(server_, nullptr);
    custody_ = custody::v1::CustodyService::NewStub(server_->AsDevice(device_));
    storage_ = storage::v1::StorageService::NewStub(server_->AsDevice(device_));
  }
  Probe& probe() { return static_cast<Probe&>(server_->instance()); }
  void SetWork(Work work) { probe().custody.SetWork(std::move(work)); }
  CallEnvironment& calls() { return server_->environment().calls(); }

  grpc::Status CallRaw(Form form, grpc::ClientContext& context) {
    if (context.deadline() == std::chrono::system_clock::time_point::max()) {
      context.set_deadline(std::chrono::system_clock::now() + kPatience);
    }
    switch (form) {
      case Form::kInline: {
        custody::v1::GetStatusResponse response;
        return custody_->GetStatus(&context, {}, &response);
      }
      case Form::kPool: {
        custody::v1::GetAccountKeyResponse response;
        return custody_->GetAccountKey(&context, {}, &response);
      }
      case Form::kSync: {
        custody::v1::GetKeyLocationResponse response;
        return custody_->GetKeyLocation(&context, {}, &response);
      }
    }
    return grpc::Status::OK;
  }
  absl::Status Call(Form form) {
    grpc::ClientContext context;
    const grpc::Status status = CallRaw(form, context);
    return FromGrpcStatus(status, context);
  }

  const TestDeployment deployment_;
  const TestDevice device_ = MakeTestDevice();
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<custody::v1::CustodyService::Stub> custody_;
  std::unique_ptr<storage::v1::StorageService::Stub> storage_;
};

class HandlerFormTest : public HandlerTest, public testing::WithParamInterface<Form> {};
INSTANTIATE_TEST_SUITE_P(Forms, HandlerFormTest,
                         testing::Values(Form::kInline, Form::kPool, Form::kSync));

TEST_P(HandlerFormTest, WorkRunsWithTheIdentifiedCaller) {
  Start();
  SigningKeyId seen;
  SetWork([&](const Authorization& authorization) {
    seen = authorization.caller().key.id();
    return absl::OkStatus();
  });
  EXPECT_THAT(Call(GetParam()), IsOk());
  EXPECT_EQ(seen, device_.key.public_key().id());
  EXPECT_EQ(calls().Count(Reason::kUnspecified), 1U);
}

TEST_P(HandlerFormTest, RefusalReachesTheCallerWithReasonAndRemedyButNotItsCause) {
  Start();
  SetWork([](const Authorization&) { return Refuse(Reason::kAccountFenced, "inner cause"); });
  grpc::ClientContext context;
  const grpc::Status status = CallRaw(GetParam(), context);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(),
              HasSubstr(std::string(Describe(Reason::kAccountFenced).text)));
  EXPECT_THAT(status.error_message(),
              HasSubstr(std::string(Describe(Reason::kAccountFenced).remedy)));
  EXPECT_THAT(status.error_message(), testing::Not(HasSubstr("inner cause")));
  EXPECT_THAT(FromGrpcStatus(status, context), RefusedWith(Reason::kAccountFenced));
  comity::common::v1::ErrorInfo info;
  const auto metadata = context.GetServerTrailingMetadata().find(kErrorMetadata);
  ASSERT_NE(metadata, context.GetServerTrailingMetadata().end());
  ASSERT_TRUE(
      info.ParseFromArray(metadata->second.data(), static_cast<int>(metadata->second.size())));
  EXPECT_EQ(info.reason(), comity::common::v1::ERROR_REASON_ACCOUNT_FENCED);
  EXPECT_GT(info.retry_after_ms(), 0U);
  EXPECT_EQ(calls().Count(Reason::kAccountFenced), 1U);
}

TEST_P(HandlerFormTest, EveryReasonSurvivesTheWire) {
  Start();
  for (const ReasonInfo& info : AllReasons()) {
    if (info.reason == Reason::kUnspecified) {
      continue;
    }
    SetWork([&](const Authorization&) { return Refuse(info.reason, "about a field"); });
    const absl::Status received = Call(GetParam());
    EXPECT_THAT(received, RefusedWith(info.reason));
    EXPECT_EQ(received.message(), Refuse(info.reason, "about a field").message()) << info.name;
  }
}

TEST_P(HandlerFormTest, ExceptionBecomesInternal) {
  Start();
  SetWork([](const Authorization&) -> absl::Status { throw std::runtime_error("private"); });
  grpc::ClientContext context;
  const grpc::Status status = CallRaw(GetParam(), context);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), testing::Not(HasSubstr("private")));
  SetWork([](const Authorization&) -> absl::Status { throw 1; });
  EXPECT_THAT(Call(GetParam()), RefusedWith(Reason::kInternal));
}

TEST_P(HandlerFormTest, DrainingServerRefusesNewCalls) {
  Start();
  EXPECT_THAT(Call(GetParam()), IsOk());
  calls().StartDraining();
  bool ran = false;
  SetWork([&](const Authorization&) {
    ran = true;
    return absl::OkStatus();
  });
  EXPECT_THAT(Call(GetParam()), RefusedWith(Reason::kDraining));
  EXPECT_FALSE(ran);
}

TEST_P(HandlerFormTest, CallIsDueWhenTheCallerSaysOrTheLimitDoes) {
  ServiceDefinition definition = ProbeDefinition();
  definition.limits.unary = std::chrono::hours(1);
  Start(std::move(definition));
  Authorization::Deadline due;
  SetWork([&](const Authorization& authorization) {
    due = authorization.deadline();
    return absl::OkStatus();
  });
  const auto now = std::chrono::system_clock::now();
  grpc::ClientContext soon;
  soon.set_deadline(now + kPatience);
  EXPECT_TRUE(CallRaw(GetParam(), soon).ok());
  EXPECT_LT(due, now + 2 * kPatience);
  grpc::ClientContext late;
  late.set_deadline(now + std::chrono::hours(100));
  EXPECT_TRUE(CallRaw(GetParam(), late).ok());
  EXPECT_GT(due, now + std::chrono::minutes(59));
  EXPECT_LT(due, now + std::chrono::hours(2));
}

TEST_P(HandlerFormTest, WorkWhoseTimeIsOverIsNotBegun) {
  ServiceDefinition definition = ProbeDefinition();
  definition.limits.unary = std::chrono::milliseconds(0);
  Start(std::move(definition));
  bool ran = false;
  SetWork([&](const Authorization&) {
    ran = true;
    return absl::OkStatus();
  });
  const absl::Status status = Call(GetParam());
  // The watch may be faster than the answer.
  EXPECT_THAT(status,
              testing::AnyOf(RefusedWith(Reason::kDeadline), RefusedWith(Reason::kCancelled)));
  EXPECT_FALSE(ran);
  // It may be faster than the counting too.
  while (calls().Count(Reason::kDeadline) + calls().Count(Reason::kCancelled) == 0) {
    std::this_thread::yield();
  }
}

TEST_F(HandlerTest, WorkBeyondThePoolsQueueIsOverloaded) {
  ServiceDefinition definition = ProbeDefinition();
  definition.pool_threads = 1;
  definition.pool_queue = 3;
  Start(std::move(definition));
  absl::Notification busy;
  absl::Notification release;
  SetWork([&](const Authorization&) {
    if (!busy.HasBeenNotified()) {
      busy.Notify();
    }
    release.WaitForNotification();
    return absl::OkStatus();
  });
  struct Pending {
    grpc::ClientContext context;
    custody::v1::GetAccountKeyRequest request;
    custody::v1::GetAccountKeyResponse response;
  };
  constexpr size_t kTaken = 1 + 3;
  std::array<Pending, kTaken + 1> pending;
  std::atomic<size_t> overloaded{0};
  std::atomic<size_t> answered{0};
  absl::Notification all_answered;
  for (size_t i = 0; i < pending.size(); ++i) {
    if (i == 1) {
      busy.WaitForNotification();  // the one thread has taken the first, and only the rest waits
    }
    Pending& call = pending.at(i);
    call.context.set_deadline(std::chrono::system_clock::now() + kPatience);
    custody_->async()->GetAccountKey(
        &call.context, &call.request, &call.response, [&](grpc::Status status) {
          if (ReasonOf(FromGrpcStatus(status, call.context)) == Reason::kOverloaded) {
            ++overloaded;
            release.Notify();  // it alone is answered while the thread is busy
          }
          if (++answered == pending.size()) {
            all_answered.Notify();
          }
        });
  }
  all_answered.WaitForNotification();
  EXPECT_EQ(overloaded, 1U);
  EXPECT_EQ(calls().Count(Reason::kOverloaded), 1U);
  EXPECT_EQ(calls().Count(Reason::kUnspecified), kTaken);
}

TEST_P(HandlerFormTest, WhatTheArrivalCheckRefusesIsNotBegun) {
  Start();
  calls().SetArrivalCheck([&](const Authorization& authorization) {
    EXPECT_EQ(authorization.caller().key.id(), device_.key.public_key().id());
    return RefuseFor(Reason::kRateLimited, std::chrono::milliseconds(77));
  });
  bool ran = false;
  SetWork([&](const Authorization&) {
    ran = true;
    return absl::OkStatus();
  });
  const absl::Status status = Call(GetParam());
  EXPECT_THAT(status, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(status), std::chrono::milliseconds(77));
  EXPECT_FALSE(ran);
  EXPECT_EQ(calls().Count(Reason::kRateLimited), 1U);
}

TEST_F(HandlerTest, WhatIsCancelledWhileItWaitsIsNotBegun) {
  ServiceDefinition definition = ProbeDefinition();
  definition.pool_threads = 1;
  Start(std::move(definition));
  absl::Notification busy;
  absl::Notification release;
  std::atomic<int> ran{0};
  SetWork([&](const Authorization& authorization) {
    if (authorization.method() == kPoolMethod && ++ran == 1) {
      busy.Notify();
      release.WaitForNotification();
    }
    return absl::OkStatus();
  });
  std::thread first([&] { EXPECT_THAT(Call(Form::kPool), IsOk()); });
  busy.WaitForNotification();
  grpc::ClientContext waiting;
  std::thread second(
      [&] { EXPECT_EQ(CallRaw(Form::kPool, waiting).error_code(), grpc::StatusCode::CANCELLED); });
  while (server_->environment().calls().pool().waiting() == 0) std::this_thread::yield();
  waiting.TryCancel();
  second.join();
  // The server hears of it before it hears of this call, and has acted on it a moment later.
  EXPECT_THAT(Call(Form::kInline), IsOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  release.Notify();
  first.join();
  while (calls().stats().running() > 0) std::this_thread::yield();
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(calls().Count(Reason::kCancelled), 1U);
}

TEST_F(HandlerTest, WhatWaitsIsNotBegunWhenNoRecordOfItCanBeKept) {
  const TempDir directory;
  const ManualClock clock;
  const auto disk = std::make_shared<StubbornFileCalls>();
  absl::StatusOr<std::unique_ptr<AuditLog>> opened =
      AuditLog::Open({.directory = directory.path(), .files = disk, .clock = &clock});
  ASSERT_THAT(opened.status(), IsOk());
  const std::shared_ptr<AuditLog> audit = *std::move(opened);
  ServiceDefinition definition = ProbeDefinition();
  definition.pool_threads = 1;
  server_ = TestServer::Start(
      deployment_, {.region = "cn", .definition = std::move(definition), .audit = audit});
  ASSERT_NE(server_, nullptr);
  custody_ = custody::v1::CustodyService::NewStub(server_->AsDevice(device_));
  absl::Notification busy;
  absl::Notification release;
  std::atomic<int> ran{0};
  SetWork([&](const Authorization&) {
    if (++ran == 1) {
      busy.Notify();
      release.WaitForNotification();
    }
    return absl::OkStatus();
  });
  std::thread first([&] { EXPECT_THAT(Call(Form::kPool), IsOk()); });
  busy.WaitForNotification();
  std::thread second(
      [&] { EXPECT_THAT(Call(Form::kPool), RefusedWith(Reason::kStoreUnavailable)); });
  while (calls().pool().waiting() == 0) std::this_thread::yield();
  disk->Refuse(ENOSPC);
  EXPECT_THAT(audit->AppendDurably({"/test/Call", nullptr, {}, Reason::kUnspecified}),
              RefusedWith(Reason::kStoreUnavailable));
  release.Notify();
  first.join();
  second.join();
  EXPECT_EQ(ran, 1);
  server_.reset();
}

TEST_F(HandlerTest, StrangersDoNotReachThePool) {
  Start();
  custody_ = custody::v1::CustodyService::NewStub(server_->AsService("cn", ServiceKind::kReview));
  SetWork([](const Authorization&) { return absl::OkStatus(); });
  EXPECT_THAT(Call(Form::kPool), RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(HandlerTest, StreamOfACallerWhoNeverEndsItIsCancelledInTime) {
  ServiceDefinition definition = ProbeDefinition();
  definition.limits.by_method[kStreamMethod] = std::chrono::milliseconds(300);
  Start(std::move(definition));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto reader = storage_->GetObject(&context, storage::v1::GetObjectRequest());
  storage::v1::GetObjectResponse response;
  // Without reading, the server's writes come to a halt when the windows are full.
  ASSERT_TRUE(reader->Read(&response));
  while (reader->Read(&response)) {
  }
  EXPECT_THAT(FromGrpcStatus(reader->Finish(), context), RefusedWith(Reason::kCancelled));
}

TEST_F(HandlerTest, HealthIsToldWithoutARule) {
  Start();
  grpc::GenericStub health(server_->AsDevice(device_));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const grpc::Slice nothing{std::string()};
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  health.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                   [&](grpc::Status outcome) {
                     status = std::move(outcome);
                     done.Notify();
                   });
  done.WaitForNotification();
  ASSERT_TRUE(status.ok()) << status.error_message();
  grpc::Slice answer;
  ASSERT_TRUE(response.DumpToSingleSlice(&answer).ok());
  // HealthCheckResponse {status = 1: SERVING}.
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(answer.begin()), answer.size()), "\x08\x01");
}

TEST_F(HandlerTest, DrainWaitsForRunningCalls) {
  Start();
  absl::Notification started;
  absl::Notification release;
  SetWork([&](const Authorization&) {
    started.Notify();
    release.WaitForNotification();
    return absl::OkStatus();
  });
  absl::Status running;
  std::thread caller([&] { running = Call(Form::kPool); });
  started.WaitForNotification();
  std::thread drain([&] { server_->server().Drain(kPatience); });
  while (!calls().draining()) {
    std::this_thread::yield();
  }
  release.Notify();
  drain.join();
  caller.join();
  EXPECT_THAT(running, IsOk());
}

TEST_F(HandlerTest, DrainCancelsWhatDoesNotEnd) {
  Start();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  const auto reader = storage_->GetObject(&context, storage::v1::GetObjectRequest());
  storage::v1::GetObjectResponse response;
  ASSERT_TRUE(reader->Read(&response));
  server_->server().Drain(std::chrono::milliseconds(0));
  while (reader->Read(&response)) {
  }
  EXPECT_FALSE(reader->Finish().ok());
}

// A server whose calls are logged, beside the one of the fixture.
class LoggedCalls : public HandlerTest {
 protected:
  // What is written about one call in the pool that ends so.
  std::string LinesOf(LogLevel level, std::set<std::string, std::less<>> frequent,
                      const absl::Status& outcome) {
    Start();
    testing::internal::CaptureStderr();
    ServiceLog log(level, LogFormat::kText);
    CallEnvironment::Options options;
    options.guard = &server_->environment().guard();
    options.log = &log;
    options.frequent_methods = std::move(frequent);
    CallEnvironment logged(options);
    ProbeCustody service(&logged);
    service.SetWork([&outcome](const Authorization&) { return outcome; });
    absl::StatusOr<std::unique_ptr<GrpcServer>> server =
        GrpcServer::Start("127.0.0.1:0", server_->environment().tls(), &logged, {&service});
    EXPECT_THAT(server, IsOk());
    const auto channel = grpc::CreateChannel(
        "127.0.0.1:" + std::to_string((*server)->port()),
        MakeChannelCredentials({device_.certificate, device_.key.ToPem()}, deployment_.topology(),
                               server_->environment().region(), ServiceKind::kCustody,
                               &server_->environment().clock()));
    custody_ = custody::v1::CustodyService::NewStub(channel);
    EXPECT_EQ(ReasonOf(Call(Form::kPool)), ReasonOf(outcome));
    EXPECT_EQ(logged.Count(ReasonOf(outcome)), 1u);
    server->reset();
    log.Flush();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LoggedCalls, CallLineHasNoNamesAndNoMessage) {
  const std::string written =
      LinesOf(LogLevel::kInfo, {}, Refuse(Reason::kAccountNotYours, "detail"));
  EXPECT_THAT(written, HasSubstr(" info call request="));
  EXPECT_THAT(written, HasSubstr(std::string("method=") + kPoolMethod));
  EXPECT_THAT(written, HasSubstr("caller=device reason=ACCOUNT_NOT_YOURS latency_us="));
  EXPECT_THAT(written, testing::Not(HasSubstr("detail")));
}

TEST_F(LoggedCalls, SuccessIsLogged) {
  EXPECT_THAT(LinesOf(LogLevel::kInfo, {}, absl::OkStatus()), HasSubstr("reason=OK"));
}

TEST_F(LoggedCalls, SuccessOfACountedMethodIsNotLogged) {
  EXPECT_THAT(LinesOf(LogLevel::kInfo, {kPoolMethod}, absl::OkStatus()),
              testing::Not(HasSubstr(kPoolMethod)));
}

TEST_F(LoggedCalls, SuccessOfACountedMethodIsLoggedForDebugging) {
  EXPECT_THAT(LinesOf(LogLevel::kDebug, {kPoolMethod}, absl::OkStatus()),
              HasSubstr(" debug call request="));
}

TEST_F(LoggedCalls, RefusalOfACountedMethodIsLogged) {
  EXPECT_THAT(LinesOf(LogLevel::kInfo, {kPoolMethod}, Refuse(Reason::kAccountNotYours)),
              HasSubstr("reason=ACCOUNT_NOT_YOURS"));
}

}  // namespace
}  // namespace comity
