#include "services/common/server/reflection.h"

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"

#include "services/common/crypto/x509.h"
#include "services/common/server/status_codec.h"
#include "tests/handler/server_probe.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

namespace comity {
namespace {

namespace pb = grpc::reflection::v1alpha;
using testing::Contains;
using testing::ElementsAre;

constexpr std::chrono::seconds kPatience{60};

class ReflectionTest : public testing::Test {
 protected:
  ReflectionTest()
      : server_(TestServer::Start(deployment_, {.region = "cn", .definition = ProbeDefinition()})) {
  }

  // Asks everything in one stream, as `channel`.
  absl::StatusOr<std::vector<pb::ServerReflectionResponse>> AskAs(
      const std::shared_ptr<grpc::Channel>& channel,
      const std::vector<pb::ServerReflectionRequest>& questions) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    const auto stub = pb::ServerReflection::NewStub(channel);
    const auto stream = stub->ServerReflectionInfo(&context);
    std::vector<pb::ServerReflectionResponse> answers;
    for (const pb::ServerReflectionRequest& question : questions) {
      pb::ServerReflectionResponse answer;
      if (!stream->Write(question) || !stream->Read(&answer)) break;
      answers.push_back(std::move(answer));
    }
    stream->WritesDone();
    if (const grpc::Status status = stream->Finish(); !status.ok()) {
      return FromGrpcStatus(status, context);
    }
    return answers;
  }
  pb::ServerReflectionResponse Ask(const pb::ServerReflectionRequest& question) {
    const auto answers = AskAs(server_->AsDevice(MakeTestDevice()), {question});
    EXPECT_THAT(answers, IsOk());
    return answers.ok() && !answers->empty() ? answers->front() : pb::ServerReflectionResponse();
  }
  static pb::ServerReflectionRequest Services() {
    pb::ServerReflectionRequest question;
    question.set_list_services("");
    return question;
  }
  static pb::ServerReflectionRequest Symbol(const std::string& name) {
    pb::ServerReflectionRequest question;
    question.set_file_containing_symbol(name);
    return question;
  }
  static std::set<std::string> FilesIn(const pb::ServerReflectionResponse& answer) {
    std::set<std::string> names;
    for (const std::string& bytes : answer.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.insert(file.name());
    }
    return names;
  }

  const TestDeployment deployment_;
  const std::unique_ptr<TestServer> server_;
};

TEST_F(ReflectionTest, ServicesThatHaveRulesAreListed) {
  std::vector<std::string> names;
  const pb::ServerReflectionResponse answer = Ask(Services());
  for (const auto& service : answer.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names,
              ElementsAre("comity.custody.v1.CustodyService", "comity.storage.v1.StorageService",
                          "grpc.reflection.v1alpha.ServerReflection"));
}

TEST_F(ReflectionTest, SymbolComesWithTheFilesThatItsOwnNeeds) {
  const auto files = FilesIn(Ask(Symbol("comity.custody.v1.CustodyService")));
  EXPECT_THAT(files, Contains("comity/custody/v1/custody.proto"));
  EXPECT_THAT(files, Contains("comity/common/v1/common.proto"));
  EXPECT_EQ(FilesIn(Ask(Symbol("comity.custody.v1.KeyState"))), files);
  pb::ServerReflectionRequest by_name;
  by_name.set_file_by_filename("comity/custody/v1/custody.proto");
  EXPECT_EQ(FilesIn(Ask(by_name)), files);
}

TEST_F(ReflectionTest, WhatIsNotServedIsNotTold) {
  // Linked into this test, and no part of the services.
  for (const char* symbol : {"comity.review.v1.ReviewService", "comity.topology.v1.Topology",
                             "google.protobuf.FileDescriptorProto", "nothing"}) {
    EXPECT_EQ(Ask(Symbol(symbol)).error_response().error_code(), grpc::StatusCode::NOT_FOUND)
        << symbol;
  }
  pb::ServerReflectionRequest extension;
  extension.mutable_file_containing_extension()->set_containing_type("comity.common.v1.Statement");
  EXPECT_EQ(Ask(extension).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  extension.set_all_extension_numbers_of_type("comity.common.v1.Statement");
  EXPECT_EQ(Ask(extension).error_response().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ReflectionTest, MissingQuestionIsInvalidAndTheStreamGoesOn) {
  ASSERT_OK_AND_ASSIGN(const auto answers, AskAs(server_->AsDevice(MakeTestDevice()),
                                                 {pb::ServerReflectionRequest(), Services()}));
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].error_response().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(answers[1].list_services_response().service_size(), 3);
}

TEST_F(ReflectionTest, EveryVerifiedIdentityMayAskAndNoStranger) {
  EXPECT_THAT(AskAs(server_->AsService("us", ServiceKind::kStorage), {Services()}), IsOk());
  EXPECT_THAT(AskAs(server_->AsPerson("cn", "agent-lin"), {Services()}), IsOk());
  EXPECT_THAT(AskAs(server_->WithoutCertificate(), {Services()}),
              RefusedWith(Reason::kPeerUnavailable));
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  const CertificateSpec expired{.common_name = "device",
                                .not_before = TestDeployment::kNotBefore,
                                .not_after = TestDeployment::kNotBefore + kDayMs};
  EXPECT_THAT(AskAs(server_->As(SelfSignedCertificate(key, expired), key), {Services()}),
              RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ReflectionTest, DrainingServerRefuses) {
  server_->environment().calls().StartDraining();
  EXPECT_THAT(AskAs(server_->AsDevice(MakeTestDevice()), {Services()}),
              RefusedWith(Reason::kDraining));
}

}  // namespace
}  // namespace comity
