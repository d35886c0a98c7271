#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/server/handler.h"
#include "services/common/server/service_environment.h"
#include "services/common/status/macros.h"
#include "services/storage/codec.h"
#include "services/storage/peer_storage_client.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

// The source's side of CopyObjects against a destination that answers as a test says: what is not
// confirmed, or is answered out of turn, is no copy.
namespace comity::storage {
namespace {

namespace wire = comity::storage::v1;
using Response = wire::CopyObjectsResponse;
using ServerStream = grpc::ServerReaderWriter<Response, wire::CopyObjectsRequest>;

constexpr char kCopyObjects[] = "/comity.storage.v1.StorageService/CopyObjects";

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

// Sends `before`, reads until the source has sent everything, and sends `after`.
struct Script {
  std::vector<Response> before;
  std::vector<Response> after;
};

class Destination final : public ServiceInstance, private wire::StorageService::Service {
 public:
  Destination(ServiceEnvironment& environment, std::function<Script()> script)
      : calls_(environment.calls()), script_(std::move(script)) {}
  std::vector<grpc::Service*> GrpcServices() override { return {this}; }

 private:
  grpc::Status CopyObjects(grpc::ServerContext* context, ServerStream* stream) override {
    return Handle(calls_, context, kCopyObjects, [&](const Authorization&) {
      const Script script = script_();
      for (const Response& response : script.before) stream->Write(response);
      wire::CopyObjectsRequest request;
      while (stream->Read(&request)) {
      }
      for (const Response& response : script.after) stream->Write(response);
      return absl::OkStatus();
    });
  }

  CallEnvironment& calls_;
  const std::function<Script()> script_;
};

Response Held(int versions) {
  Response response;
  response.mutable_held();
  for (int i = 0; i < versions; ++i) {
    Encode(HeldVersion{RandomId<ObjectId>(), 1, Sha256Digest("record")},
           *response.mutable_held()->add_versions());
  }
  return response;
}

Response Ready() {
  Response response;
  response.mutable_ready();
  return response;
}

Response Done(uint64_t changes) {
  Response response;
  response.mutable_done()->set_changes(changes);
  return response;
}

class CopyStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    destination_ = Start("cn");
    source_ = Start("us");
    ASSERT_NE(destination_, nullptr);
    ASSERT_NE(source_, nullptr);
  }

  // One pass that sends two deletions. held() counts what the destination said it holds.
  absl::Status Pass(Script script) {
    SetScript(std::move(script));
    PeerStorageClient client(&source_->environment().peers());
    ASSIGN_OR_RETURN(
        const std::unique_ptr<CopyStream> stream,
        client.Copy(TestDeployment::Region("cn"), RandomId<AccountId>(), 2, /*urgent=*/true));
    for (;;) {
      ASSIGN_OR_RETURN(const std::optional<HeldVersion> held, stream->NextHeld());
      if (!held.has_value()) break;
      ++held_;
    }
    RETURN_IF_ERROR(stream->SendDeletion(RandomId<ObjectId>()));
    RETURN_IF_ERROR(stream->SendDeletion(RandomId<ObjectId>()));
    return stream->Finish();
  }
  int held() const { return held_; }

 private:
  // A call that the source has given up may still run when the next one begins.
  void SetScript(Script script) {
    absl::MutexLock lock(&mutex_);
    script_ = std::move(script);
  }
  Script script() {
    absl::MutexLock lock(&mutex_);
    return script_;
  }

  std::unique_ptr<TestServer> Start(const std::string& region) {
    return TestServer::Start(
        Deployment(), {.region = region,
                       .definition = {.kind = ServiceKind::kStorage,
                                      .rules = {{kCopyObjects, kAllowForeignSame}},
                                      .make = [this](ServiceEnvironment& environment)
                                          -> absl::StatusOr<std::unique_ptr<ServiceInstance>> {
                                        return std::make_unique<Destination>(
                                            environment, [this] { return script(); });
                                      }},
                       .addresses = &addresses_});
  }

  absl::Mutex mutex_;
  Script script_ ABSL_GUARDED_BY(mutex_);
  int held_ = 0;
  TestAddresses addresses_;
  std::unique_ptr<TestServer> destination_;
  std::unique_ptr<TestServer> source_;
};

TEST_F(CopyStreamTest, PassEndsWhenEverythingIsConfirmed) {
  EXPECT_THAT(Pass({{Held(2), Held(3), Ready()}, {Done(2)}}), IsOk());
  EXPECT_EQ(held(), 5);
}

TEST_F(CopyStreamTest, WhatIsNotConfirmedIsNotCopied) {
  EXPECT_THAT(Pass({{Ready()}, {Done(1)}}), RefusedWith(Reason::kInternal));
  EXPECT_THAT(Pass({{Ready()}, {Done(3)}}), RefusedWith(Reason::kInternal));
}

TEST_F(CopyStreamTest, StreamThatEndsWithoutAConfirmationIsRetried) {
  EXPECT_THAT(Pass({{Ready()}, {}}), RefusedWith(Reason::kPeerUnavailable));
}

TEST_F(CopyStreamTest, AnswersOutOfTurnAreRefused) {
  EXPECT_THAT(Pass({{Done(2)}, {}}), RefusedWith(Reason::kInternal));
  EXPECT_THAT(Pass({{Held(0), Ready()}, {Done(2)}}), RefusedWith(Reason::kInternal));
  EXPECT_THAT(Pass({{Ready()}, {Ready()}}), RefusedWith(Reason::kInternal));
}

}  // namespace
}  // namespace comity::storage
