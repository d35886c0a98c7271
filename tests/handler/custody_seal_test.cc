#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/seal/seal_record.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "services/custody/shamir_seal.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

// A custody whose root key is split among persons, over real gRPC and mTLS.
namespace comity::custody {
namespace {

namespace pb = comity::custody::v1;
using Stub = pb::CustodyService::Stub;

const TestDeployment& Deployment() {
  static const auto* const kDeployment = new TestDeployment(SealedTopologyTemplate());
  return *kDeployment;
}

class CustodySealTest : public testing::Test {
 protected:
  CustodySealTest()
      : split_(SplitRoot(RandomSecret(kSealedRootSize), Deployment().topology().deployment(),
                         TestDeployment::Region("us"), 2, {"ops-evans", "ops-fox", "ops-grant"})
                   .value()),
        owner_(Deployment().NewAccount()) {
    Restart();
  }

  void Restart() {
    server_.reset();
    server_ = TestServer::Start(
        Deployment(),
        {.region = "us",
         .definition = CustodyDefinition(
             [this](const ServiceEnvironment&) -> absl::StatusOr<std::unique_ptr<Seal>> {
               return std::make_unique<ShamirSeal>(
                   record_, Committee{2, {"ops-evans", "ops-fox", "ops-grant"}},
                   [this](const SealRecord& record) {
                     record_ = record;
                     return absl::OkStatus();
                   });
             }),
         .records = records_,
         .blobs = blobs_});
  }

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(const std::shared_ptr<grpc::Channel>& channel,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) {
    const std::unique_ptr<Stub> stub = pb::CustodyService::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    Response response;
    const grpc::Status status = (*stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status, context);
    return response;
  }

  absl::StatusOr<pb::SealState> Enter(std::string_view person, size_t share) {
    pb::EnterShareRequest request;
    const SecretBytes bytes = EncodeSealShare(split_.shares[share]);
    request.set_share(std::string(bytes.RevealView(RevealKey::ForTest())));
    const auto response = Call(server_->AsPerson("us", person), &Stub::EnterShare, request);
    if (!response.ok()) return response.status();
    return response->state();
  }
  absl::Status SealAs(std::string_view person) {
    return Call(server_->AsPerson("us", person), &Stub::SealCustody, pb::SealCustodyRequest())
        .status();
  }
  comity::common::v1::ServiceStatus Status() {
    return Call(server_->AsDevice(owner_.device()), &Stub::GetStatus, pb::GetStatusRequest())
        ->status();
  }
  absl::Status Create() {
    pb::CreateAccountRequest request;
    request.set_request_id(RandomBytes(16));
    for (const Statement& entry : owner_.entries()) *request.add_chain() = ToProto(entry);
    *request.mutable_account_record() =
        ToProto(owner_.SignRecord(Deployment().topology(), "US", TestDeployment::kStart));
    return Call(server_->AsDevice(owner_.device()), &Stub::CreateAccount, request).status();
  }
  absl::Status Generate() {
    pb::GenerateDataKeyRequest request;
    request.set_account_id(std::string(owner_.id().bytes()));
    request.mutable_context()->set_object_id(std::string(16, 'o'));
    request.mutable_context()->set_content_id(std::string(16, 'c'));
    request.mutable_context()->set_purpose(comity::common::v1::PURPOSE_CONTENT);
    request.set_reason(pb::USE_REASON_OWNER_ACCESS);
    return Call(server_->AsDevice(owner_.device()), &Stub::GenerateDataKey, request).status();
  }

  template <typename Request, typename Response>
  absl::StatusOr<pb::SealState> Give(std::string_view person,
                                     grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                  const Request&, Response*),
                                     const std::string& share) {
    Request request;
    request.set_share(share);
    const auto response = Call(server_->AsPerson("us", person), method, request);
    if (!response.ok()) return response.status();
    return response->state();
  }
  std::string Share(size_t i) const {
    return std::string(EncodeSealShare(split_.shares[i]).RevealView(RevealKey::ForTest()));
  }
  absl::StatusOr<std::string> Take(std::string_view person) {
    const auto response =
        Call(server_->AsPerson("us", person), &Stub::TakeShare, pb::TakeShareRequest());
    if (!response.ok()) return response.status();
    return response->share();
  }

  const NewSeal split_;
  SealRecord record_ = split_.record;
  TestAccount owner_;
  std::shared_ptr<FakeRecordStore> records_ = std::make_shared<FakeRecordStore>();
  std::shared_ptr<FakeBlobStore> blobs_ = std::make_shared<FakeBlobStore>();
  std::unique_ptr<TestServer> server_;
};

TEST_F(CustodySealTest, StatusAnswersWhileSealedAndKeysDoNot) {
  const auto status = Status();
  EXPECT_TRUE(status.sealed());
  EXPECT_EQ(status.seal(), "shamir 2 of 3");
  EXPECT_EQ(status.seal_shares_needed(), 2u);
  EXPECT_EQ(status.seal_shares_entered(), 0u);
  EXPECT_THAT(Create(), RefusedWith(Reason::kSealed));
  EXPECT_THAT(Generate(), RefusedWith(Reason::kSealed));
  EXPECT_THAT(Call(server_->AsService("us", ServiceKind::kReview), &Stub::OpenRecordKey,
                   pb::OpenRecordKeyRequest()),
              RefusedWith(Reason::kSealed));
}

TEST_F(CustodySealTest, SharesOfTwoPersonsOpenIt) {
  ASSERT_OK_AND_ASSIGN(const pb::SealState one, Enter("ops-evans", 0));
  EXPECT_TRUE(one.sealed());
  EXPECT_EQ(Status().seal_shares_entered(), 1u);
  ASSERT_EQ(one.holders_size(), 3);
  EXPECT_TRUE(one.holders(0).entered());
  EXPECT_FALSE(one.holders(1).entered());
  ASSERT_OK_AND_ASSIGN(const pb::SealState two, Enter("ops-grant", 2));
  EXPECT_FALSE(two.sealed());
  EXPECT_FALSE(Status().sealed());
  EXPECT_THAT(Create(), IsOk());
  EXPECT_THAT(Generate(), IsOk());
}

TEST_F(CustodySealTest, ShareOfAnotherPersonIsRefused) {
  EXPECT_THAT(Enter("ops-fox", 0), RefusedWith(Reason::kShareInvalid));
  EXPECT_EQ(Status().seal_shares_entered(), 0u);
}

TEST_F(CustodySealTest, OversizedShareIsRefused) {
  pb::EnterShareRequest request;
  request.set_share(std::string(65, 's'));
  EXPECT_THAT(Call(server_->AsPerson("us", "ops-fox"), &Stub::EnterShare, request),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodySealTest, OnePersonSealsIt) {
  ASSERT_THAT(Enter("ops-evans", 0), IsOk());
  ASSERT_THAT(Enter("ops-fox", 1), IsOk());
  ASSERT_THAT(Create(), IsOk());
  ASSERT_THAT(Generate(), IsOk());
  ASSERT_THAT(SealAs("ops-grant"), IsOk());
  EXPECT_TRUE(Status().sealed());
  EXPECT_THAT(Generate(), RefusedWith(Reason::kSealed));
}

TEST_F(CustodySealTest, RestartedCustodyIsSealedAndOpensAgainWithItsAccounts) {
  ASSERT_THAT(Enter("ops-evans", 0), IsOk());
  ASSERT_THAT(Enter("ops-fox", 1), IsOk());
  ASSERT_THAT(Create(), IsOk());
  Restart();
  EXPECT_TRUE(Status().sealed());
  EXPECT_EQ(Status().accounts(), 1u);
  EXPECT_THAT(Generate(), RefusedWith(Reason::kSealed));
  ASSERT_THAT(Enter("ops-fox", 1), IsOk());
  ASSERT_THAT(Enter("ops-grant", 2), IsOk());
  EXPECT_THAT(Generate(), IsOk());
}

TEST_F(CustodySealTest, RootKeyIsRotatedByItsHolders) {
  EXPECT_THAT(Give("ops-evans", &Stub::RotateRoot, Share(0)), RefusedWith(Reason::kSealed));
  ASSERT_THAT(Enter("ops-evans", 0), IsOk());
  ASSERT_THAT(Enter("ops-fox", 1), IsOk());
  ASSERT_THAT(Create(), IsOk());
  EXPECT_THAT(Take("ops-evans"), RefusedWith(Reason::kStateNotReady));
  ASSERT_OK_AND_ASSIGN(const pb::SealState one, Give("ops-fox", &Stub::RotateRoot, Share(1)));
  EXPECT_EQ(one.rotation().stage(), pb::ROOT_ROTATION_STAGE_NONE);
  EXPECT_EQ(one.rotation().shares_entered(), 1u);
  EXPECT_EQ(one.root_generation(), 1u);
  EXPECT_THAT(Give("ops-grant", &Stub::RotateRoot, Share(0)), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(Give("ops-grant", &Stub::RotateRoot, std::string(65, 's')),
              RefusedWith(Reason::kFieldInvalid));
  ASSERT_OK_AND_ASSIGN(const pb::SealState two, Give("ops-grant", &Stub::RotateRoot, Share(2)));
  EXPECT_EQ(two.rotation().stage(), pb::ROOT_ROTATION_STAGE_DEALING);
  ASSERT_EQ(two.rotation().new_holders_size(), 3);
  std::string grants;
  for (const char* person : {"ops-evans", "ops-fox", "ops-grant"}) {
    ASSERT_OK_AND_ASSIGN(grants, Take(person));
    EXPECT_THAT(Give(person, &Stub::EnterShare, grants), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const auto after, Call(server_->AsPerson("us", "ops-fox"), &Stub::GetSeal,
                                              pb::GetSealRequest()));
  EXPECT_EQ(after.state().root_generation(), 2u);
  EXPECT_EQ(after.state().share_set(), grants.substr(1, 16));
  EXPECT_EQ(after.state().rotation().accounts(), 1u);
  EXPECT_THAT(Generate(), IsOk());
  Restart();
  EXPECT_THAT(Enter("ops-evans", 0), RefusedWith(Reason::kShareInvalid));
  ASSERT_OK_AND_ASSIGN(const pb::SealState own, Give("ops-grant", &Stub::EnterShare, grants));
  EXPECT_TRUE(own.holders(2).entered());
}

TEST_F(CustodySealTest, PersonsOfOtherRolesAndPlacesHaveNoSay) {
  const pb::GetSealRequest request;
  EXPECT_THAT(Call(server_->AsPerson("us", "ops-evans"), &Stub::GetSeal, request), IsOk());
  for (const std::string person : {"agent-miller", "reviewer-adams"}) {
    EXPECT_THAT(Give(person, &Stub::RotateRoot, Share(0)), RefusedWith(Reason::kCallerNotAllowed));
    EXPECT_THAT(Take(person), RefusedWith(Reason::kCallerNotAllowed));
    EXPECT_THAT(Call(server_->AsPerson("us", person), &Stub::GetSeal, request),
                RefusedWith(Reason::kCallerNotAllowed));
    EXPECT_THAT(SealAs(person), RefusedWith(Reason::kCallerNotAllowed));
  }
  EXPECT_THAT(Call(server_->AsPerson("cn", "ops-kelly"), &Stub::GetSeal, request),
              RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(
      Call(server_->AsDevice(owner_.device()), &Stub::SealCustody, pb::SealCustodyRequest()),
      RefusedWith(Reason::kCallerNotAllowed));
}

}  // namespace
}  // namespace comity::custody
