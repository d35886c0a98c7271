#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/review/v1/review.grpc.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/log/transparency_log.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/object_record.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "services/review/review_service_definition.h"
#include "services/storage/storage_service_definition.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_client.h"
#include "tests/testing/test_server.h"

// The three services of one region over gRPC and mTLS: what an authority gets is what a user
// stored, and it alone can read it.
namespace comity {
namespace {

namespace cpb = comity::custody::v1;
namespace rpb = comity::review::v1;
namespace spb = comity::storage::v1;

constexpr char kRegion[] = "us";
constexpr char kPlaintext[] = "ciphertext, as far as the services can tell";

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  Response response;
  const grpc::Status status = (stub.*method)(&context, request, &response);
  if (!status.ok()) return FromGrpcStatus(status, context);
  return response;
}

class ReviewWithPeersTest : public testing::Test {
 protected:
  void SetUp() override {
    custody_ = Start(custody::CustodyDefinition(
        [](const ServiceEnvironment&) -> absl::StatusOr<std::unique_ptr<custody::Seal>> {
          return std::make_unique<custody::FakeSeal>();
        }));
    storage_ = Start(storage::StorageDefinition());
    review_ = Start(review::ReviewDefinition());
    ASSERT_NE(custody_, nullptr);
    ASSERT_NE(storage_, nullptr);
    ASSERT_NE(review_, nullptr);
    custody_stub_ = cpb::CustodyService::NewStub(custody_->AsDevice(account_.device()));
    storage_client_ =
        std::make_unique<storage::TestStorageClient>(storage_->AsDevice(account_.device()));
  }

  std::unique_ptr<TestServer> Start(ServiceDefinition definition) {
    return TestServer::Start(deployment_, {.region = kRegion,
                                           .definition = std::move(definition),
                                           .clock = clock_,
                                           .addresses = &addresses_});
  }
  std::string Id() const { return std::string(account_.id().bytes()); }

  void CreateAccount() {
    const Statement record = account_.SignRecord(deployment_.topology(), "US", clock_->Now());
    cpb::CreateAccountRequest at_custody;
    at_custody.set_request_id(RandomBytes(16));
    spb::CreateAccountRequest at_storage;
    at_storage.set_request_id(RandomBytes(16));
    for (const Statement& entry : account_.entries()) {
      *at_custody.add_chain() = ToProto(entry);
      *at_storage.add_chain() = ToProto(entry);
    }
    *at_custody.mutable_account_record() = ToProto(record);
    *at_storage.mutable_account_record() = ToProto(record);
    ASSERT_OK_AND_ASSIGN(
        const auto activated,
        Call(*custody_stub_, &cpb::CustodyService::Stub::CreateAccount, at_custody));
    *at_storage.add_activations() = activated.activation();
    *at_storage.add_endorsements() = activated.endorsement();
    ASSERT_OK_AND_ASSIGN(const Statement activation, FromProto(activated.activation()));
    ASSERT_OK_AND_ASSIGN(const auto body, ParseStatement<Activation>(activation));
    *at_storage.mutable_metadata_key() =
        ToProto(account_.Sign(MetadataKey{body.body.metadata_public_key}, clock_->Now()));
    ASSERT_THAT(storage_client_->Call(&spb::StorageService::Stub::CreateAccount, at_storage),
                IsOk());
  }

  // Fresh data keys, by purpose.
  cpb::GenerateDataKeyResponse NewDataKey(const spb::PutObjectHeader& header,
                                          comity::common::v1::Purpose purpose) {
    cpb::GenerateDataKeyRequest request;
    request.set_account_id(Id());
    request.mutable_context()->set_object_id(header.object_id());
    request.mutable_context()->set_content_id(header.content_id());
    request.mutable_context()->set_purpose(purpose);
    request.set_reason(cpb::USE_REASON_OWNER_ACCESS);
    const auto response =
        Call(*custody_stub_, &cpb::CustodyService::Stub::GenerateDataKey, request);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? *response : cpb::GenerateDataKeyResponse();
  }

  void PutObject() {
    spb::PutObjectHeader header = storage::TestStorageClient::Header(Id(), RandomBytes(16));
    const auto content = NewDataKey(header, comity::common::v1::PURPOSE_CONTENT);
    const auto attributes = NewDataKey(header, comity::common::v1::PURPOSE_ATTRIBUTES);
    header.set_wrapped_content_key(content.wrapped());
    header.set_wrapped_attributes_key(attributes.wrapped());
    ASSERT_THAT(storage_client_->Put(header, kPlaintext), IsOk());
    data_keys_[{header.content_id(), KeyPurpose::kContent}] = content.plaintext();
    data_keys_[{header.content_id(), KeyPurpose::kAttributes}] = attributes.plaintext();
  }

  std::unique_ptr<rpb::ReviewService::Stub> StubOf(const std::string& person) {
    return rpb::ReviewService::NewStub(review_->AsPerson(kRegion, person));
  }
  template <typename Body>
  comity::common::v1::Statement Sign(const std::string& person, const std::string& subject,
                                     const Body& body) {
    Envelope envelope;
    envelope.deployment = deployment_.topology().deployment();
    envelope.region = kRegion;
    envelope.subject = subject;
    envelope.number = envelope.time = clock_->Now();
    return ToProto(SignStatement(envelope, body, deployment_.person(kRegion, person).key));
  }
  rpb::Case Show(const std::string& person, const std::string& id) {
    rpb::GetCaseRequest request;
    request.set_case_id(id);
    const auto response = Call(*StubOf(person), &rpb::ReviewService::Stub::GetCase, request);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->case_() : rpb::Case();
  }

  std::string Submit() {
    LegalRequest body;
    body.authority = "us-attorney";
    body.case_reference = "docket";
    body.instrument = InstrumentType::kWarrant;
    body.instrument_hash = Sha256Digest("warrant");
    body.instrument_issued = clock_->Now() - kDayMs;
    body.instrument_expiry = clock_->Now() + 90 * kDayMs;
    body.legal_basis = "a provision";
    body.ground = "a ground";
    body.targets = {std::string(kRegion) + "/" + account_.id().ToString()};
    body.classes = {DataClass::kC4, DataClass::kC5};
    body.begin_time = clock_->Now() - 30 * kDayMs;
    body.end_time = clock_->Now() + kDayMs;
    body.recipient_key = recipient_.public_key;
    rpb::SubmitRequestRequest request;
    *request.mutable_request() = Sign("agent-miller", "request", body);
    const auto response =
        Call(*StubOf("agent-miller"), &rpb::ReviewService::Stub::SubmitRequest, request);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return "";
    EXPECT_EQ(response->case_().state(), rpb::CASE_STATE_UNDER_REVIEW);
    return response->case_().case_id();
  }
  void Accept(const std::string& id) {
    const rpb::Case c = Show("reviewer-adams", id);
    rpb::DecideCaseRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_case_id(id);
    request.set_generation(c.generation());
    *request.mutable_no_conflict() = Sign("reviewer-adams", id, NoConflict{c.generation()});
    request.mutable_accept();
    ASSERT_THAT(Call(*StubOf("reviewer-adams"), &rpb::ReviewService::Stub::DecideCase, request),
                IsOk());
  }
  void Approve(const std::string& id, const std::string& person) {
    const rpb::Case c = Show(person, id);
    Approval body{
        .generation = c.generation(), .authorisations = {}, .approve = 1, .no_conflict = 1};
    for (const std::string& core : c.authorisation_cores()) {
      body.authorisations.push_back(Sha256Digest(core));
    }
    std::ranges::sort(body.authorisations);
    rpb::ApproveCaseRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_case_id(id);
    request.set_generation(c.generation());
    *request.mutable_approval() = Sign(person, id, body);
    ASSERT_THAT(Call(*StubOf(person), &rpb::ReviewService::Stub::ApproveCase, request), IsOk());
  }
  absl::StatusOr<rpb::ExecuteCaseResponse> Execute(const std::string& id) {
    rpb::ExecuteCaseRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_case_id(id);
    return Call(*StubOf("agent-miller"), &rpb::ReviewService::Stub::ExecuteCase, request);
  }
  std::string Authorised() {
    std::string id = Submit();
    Accept(id);
    clock_->Advance(7 * kDayMs);
    Approve(id, "approver-baker");
    Approve(id, "approver-clark");
    return id;
  }
  std::vector<rpb::DownloadPackageResponse> Download(const std::string& id) {
    rpb::DownloadPackageRequest request;
    request.set_case_id(id);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    const auto stub = StubOf("agent-miller");
    const auto reader = stub->DownloadPackage(&context, request);
    std::vector<rpb::DownloadPackageResponse> parts;
    rpb::DownloadPackageResponse part;
    while (reader->Read(&part)) parts.push_back(part);
    EXPECT_THAT(FromGrpcStatus(reader->Finish(), context), IsOk());
    return parts;
  }

  const TestDeployment deployment_;
  const std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(TestDeployment::kStart);
  TestAddresses addresses_;
  TestAccount account_ = deployment_.NewAccount();
  const X25519KeyPair recipient_ = GenerateX25519();
  std::map<std::pair<std::string, KeyPurpose>, std::string> data_keys_;
  std::unique_ptr<TestServer> custody_;
  std::unique_ptr<TestServer> storage_;
  std::unique_ptr<TestServer> review_;
  std::unique_ptr<cpb::CustodyService::Stub> custody_stub_;
  std::unique_ptr<storage::TestStorageClient> storage_client_;
};

TEST_F(ReviewWithPeersTest, AuthorityGetsCiphertextAndTheKeysOfWhatIsAuthorised) {
  CreateAccount();
  for (int i = 0; i < 3; ++i) PutObject();
  const std::string id = Authorised();
  ASSERT_OK_AND_ASSIGN(const auto executed, Execute(id));
  EXPECT_EQ(executed.case_().outcome(), rpb::CASE_OUTCOME_FULL);

  const auto parts = Download(id);
  ASSERT_EQ(parts.size(), 1U + 3 * 2);
  const rpb::PackageAccount& account = parts[0].account();
  ASSERT_EQ(account.objects_size(), 3);

  // The manifest is storage's, over what was delivered.
  ASSERT_OK_AND_ASSIGN(const Statement endorsement, FromProto(account.storage_endorsement()));
  ASSERT_OK_AND_ASSIGN(const PublicKey key, deployment_.topology().VerifyEndorsement(
                                                endorsement, TestDeployment::Region(kRegion),
                                                ServiceKind::kStorage, clock_->Now()));
  ASSERT_OK_AND_ASSIGN(const Statement manifest, FromProto(account.manifest()));
  ASSERT_OK_AND_ASSIGN(const auto body, VerifyStatement<LegalManifest>(manifest, key));
  EXPECT_EQ(body.body.objects.size(), 3U);

  // Custody's answer opens with the recipient key alone, and its keys are those that were made.
  ASSERT_OK_AND_ASSIGN(const Authorisation authorisation, FromProto(account.authorisation()));
  const std::string info = "comity answer v1" + std::string(authorisation.digest().bytes()) +
                           "custody" + std::string(4, '\0');
  ASSERT_OK_AND_ASSIGN(const SecretBytes plain,
                       HpkeOpen(recipient_.private_key, info, "", account.sealed_answer()));
  ASSERT_OK_AND_ASSIGN(const LegalAnswer answer,
                       DecodeRecord<LegalAnswer>(plain.RevealView(RevealKey::ForTest())));
  ASSERT_EQ(answer.keys.size(), data_keys_.size());
  for (const AnsweredKey& answered : answer.keys) {
    EXPECT_EQ(data_keys_.at({std::string(answered.content.bytes()), answered.purpose}),
              answered.data_key);
  }
  for (size_t i = 1; i < parts.size(); i += 2) {
    EXPECT_TRUE(data_keys_.contains({parts[i].content().content_id(), KeyPurpose::kContent}));
    EXPECT_EQ(parts[i + 1].chunk(), kPlaintext);
  }

  // Both audiences logged the use before they answered.
  for (const ServiceKind kind : {ServiceKind::kStorage, ServiceKind::kCustody}) {
    const bool at_storage = kind == ServiceKind::kStorage;
    ASSERT_OK_AND_ASSIGN(
        const LogReceipt receipt,
        ParseReceipt(at_storage ? account.storage_receipt() : account.custody_receipt()));
    EXPECT_THAT(
        VerifyReceipt(receipt, at_storage ? account.storage_leaf() : account.custody_leaf(),
                      deployment_.topology().LogOrigin(TestDeployment::Region(kRegion), kind),
                      deployment_.service(kRegion, kind).log_key.public_key()),
        IsOk());
  }
}

TEST_F(ReviewWithPeersTest, ObjectThatWasDeletedMeanwhileIsNotDelivered) {
  CreateAccount();
  PutObject();
  PutObject();
  const std::string id = Authorised();
  spb::DeleteObjectRequest erase;
  erase.set_request_id(RandomBytes(16));
  erase.set_account_id(Id());
  spb::ListObjectsRequest list;
  list.set_account_id(Id());
  ASSERT_OK_AND_ASSIGN(const auto listed,
                       storage_client_->Call(&spb::StorageService::Stub::ListObjects, list));
  erase.set_object_id(listed.objects(0).object_id());
  ASSERT_THAT(storage_client_->Call(&spb::StorageService::Stub::DeleteObject, erase), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto executed, Execute(id));
  EXPECT_EQ(executed.case_().outcome(), rpb::CASE_OUTCOME_PARTIAL);
  EXPECT_EQ(Download(id).size(), 3U);
}

TEST_F(ReviewWithPeersTest, UserReadsTheNoticeAndObjects) {
  CreateAccount();
  PutObject();
  const std::string id = Submit();
  Accept(id);
  const auto device = rpb::ReviewService::NewStub(review_->AsDevice(account_.device()));
  rpb::ListNoticesRequest list;
  list.set_account_id(Id());
  for (const Statement& entry : account_.entries()) *list.add_chain() = ToProto(entry);
  ASSERT_OK_AND_ASSIGN(const auto notices,
                       Call(*device, &rpb::ReviewService::Stub::ListNotices, list));
  ASSERT_EQ(notices.notices_size(), 1);
  rpb::DeliverStatementRequest deliver;
  deliver.set_account_id(Id());
  *deliver.add_statements() = ToProto(account_.Sign(Objection{id, "no"}, clock_->Now()));
  ASSERT_THAT(Call(*device, &rpb::ReviewService::Stub::DeliverStatement, deliver), IsOk());
  EXPECT_EQ(Show("agent-miller", id).state(), rpb::CASE_STATE_UNDER_REVIEW);
}

TEST_F(ReviewWithPeersTest, NothingOfACaseIsSaidWhileCustodyIsDown) {
  custody_.reset();
  rpb::ListCasesRequest list;
  EXPECT_THAT(Call(*StubOf("agent-miller"), &rpb::ReviewService::Stub::ListCases, list),
              RefusedWith(Reason::kPeerUnavailable));
  rpb::GetCaseRequest get;
  get.set_case_id("us-201712-0a-aaaaaaaaaaaaaaaa");
  EXPECT_THAT(Call(*StubOf("agent-miller"), &rpb::ReviewService::Stub::GetCase, get),
              RefusedWith(Reason::kPeerUnavailable));
}

}  // namespace
}  // namespace comity
