#include "services/storage/storage_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/server/topology_mark.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/proto_codec.h"
#include "services/storage/content_tree.h"
#include "services/storage/storage_service_definition.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/closed_by_default.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_client.h"
#include "tests/testing/test_server.h"

// One storage over real gRPC and mTLS.
namespace comity::storage {
namespace {

namespace wire = comity::storage::v1;
using Stub = wire::StorageService::Stub;

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

wire::CreateAccountRequest MakeCreate(TestAccount& owner, UnixMillis now) {
  const std::string metadata_key = RandomBytes(32);
  const ChainHead head = owner.chain().head();
  Activation body;
  body.epoch = 1;
  body.chain_number = head.number;
  body.chain_hash = head.hash;
  body.newest_version = 1;
  body.metadata_public_key = metadata_key;
  Envelope envelope;
  envelope.deployment = Deployment().topology().deployment();
  envelope.region = "us";
  envelope.subject = std::string(owner.id().bytes());
  envelope.number = 1;
  envelope.time = now;
  const TestService& custody = Deployment().service("us", ServiceKind::kCustody);
  wire::CreateAccountRequest request;
  request.set_request_id(RandomBytes(16));
  for (const Statement& entry : owner.entries()) *request.add_chain() = ToProto(entry);
  *request.mutable_account_record() = ToProto(owner.SignRecord(Deployment().topology(), "CN", now));
  *request.add_activations() = ToProto(SignStatement(envelope, body, custody.statement_key));
  *request.add_endorsements() = ToProto(custody.endorsement);
  *request.mutable_metadata_key() = ToProto(owner.Sign(MetadataKey{metadata_key}, now));
  return request;
}

class StorageServiceTest : public testing::Test {
 protected:
  StorageServiceTest() {
    server_ =
        TestServer::Start(Deployment(), {.region = "us",
                                         .definition = StorageDefinition({.mover_threads = 0}),
                                         .clock = clock_,
                                         .blobs = blobs_});
    client_ = std::make_unique<TestStorageClient>(server_->AsDevice(owner_.device()));
    review_ = std::make_unique<TestStorageClient>(server_->AsService("us", ServiceKind::kReview));
  }
  void Open() {
    ASSERT_THAT(client_->Call(&Stub::CreateAccount, MakeCreate(owner_, clock_->Now())), IsOk());
  }
  std::string Id() const { return std::string(owner_.id().bytes()); }
  size_t Blobs() { return blobs_->List(BlobFolder(owner_.id()), "", 1000).value().size(); }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(TestDeployment::kStart);
  std::shared_ptr<FakeBlobStore> blobs_ = std::make_shared<FakeBlobStore>();
  TestAccount owner_ = Deployment().NewAccount();
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<TestStorageClient> client_;
  std::unique_ptr<TestStorageClient> review_;
  const std::string object_ = std::string(16, 'o');
};

TEST_F(StorageServiceTest, IsClosedByDefault) {
  const auto* service =
      wire::GetStatusRequest::descriptor()->file()->FindServiceByName("StorageService");
  ASSERT_NE(service, nullptr);
  ExpectEveryMethodHasRule(*service, StorageRules());
  ExpectClosedByDefault(*service, Deployment(), *server_);
}

TEST_F(StorageServiceTest, StatusCountsAccounts) {
  Open();
  ASSERT_OK_AND_ASSIGN(const auto response,
                       client_->Call(&Stub::GetStatus, wire::GetStatusRequest()));
  EXPECT_EQ(response.status().service(), "storage");
  EXPECT_EQ(response.status().operator_(), "apple");
  EXPECT_EQ(response.status().accounts(), 1u);
  EXPECT_GT(response.status().log_size(), 0u);
}

TEST_F(StorageServiceTest, AccountIsOpenedAndReported) {
  const wire::CreateAccountRequest create = MakeCreate(owner_, clock_->Now());
  ASSERT_OK_AND_ASSIGN(const auto created, client_->Call(&Stub::CreateAccount, create));
  EXPECT_EQ(created.account().state(), wire::ACCOUNT_STATE_ACTIVE);
  ASSERT_OK_AND_ASSIGN(const auto again, client_->Call(&Stub::CreateAccount, create));
  wire::GetAccountRequest get;
  get.set_account_id(Id());
  ASSERT_OK_AND_ASSIGN(const auto got, client_->Call(&Stub::GetAccount, get));
  EXPECT_EQ(got.account().SerializeAsString(), again.account().SerializeAsString());
  EXPECT_EQ(got.account().home_region(), "us");
  EXPECT_EQ(got.account().account_epoch(), 1u);
  EXPECT_EQ(got.account().standing().standing(), wire::STANDING_STAYS);
  EXPECT_EQ(got.account().chain_size(), 1);
  EXPECT_EQ(got.account().statements_size(), 4);
}

TEST_F(StorageServiceTest, ForeignDeviceSeesNothing) {
  Open();
  TestStorageClient other(server_->AsDevice(MakeTestDevice()));
  wire::GetAccountRequest get;
  get.set_account_id(Id());
  EXPECT_THAT(other.Call(&Stub::GetAccount, get).status(), RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(other.Put(TestStorageClient::Header(Id(), object_), "x").status(),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(other.Get(Id(), object_).status(), RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(other.Deliver(Id(), {}).status(), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(StorageServiceTest, StreamsAnObjectInAndOut) {
  Open();
  std::string bytes(5'000'001, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  ASSERT_OK_AND_ASSIGN(const auto stored,
                       client_->Put(TestStorageClient::Header(Id(), object_), bytes));
  EXPECT_EQ(stored.version(), 1u);
  EXPECT_EQ(stored.size(), bytes.size());
  EXPECT_EQ(stored.digest(), Sha256(bytes));
  ASSERT_OK_AND_ASSIGN(const auto got, client_->Get(Id(), object_));
  EXPECT_EQ(got.object.SerializeAsString(), stored.SerializeAsString());
  EXPECT_TRUE(got.bytes == bytes);
  EXPECT_LE(got.largest_chunk, size_t{1} << 20);
  ASSERT_OK_AND_ASSIGN(const auto rest, client_->Get(Id(), object_, 4 << 20));
  EXPECT_TRUE(rest.bytes == bytes.substr(4 << 20));
}

TEST_F(StorageServiceTest, SameRequestIdGivesTheSameAnswer) {
  Open();
  const wire::PutObjectHeader header = TestStorageClient::Header(Id(), object_);
  ASSERT_OK_AND_ASSIGN(const auto first, client_->Put(header, "bytes"));
  ASSERT_OK_AND_ASSIGN(const auto second, client_->Put(header, "bytes"));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  EXPECT_THAT(client_->Put(header, "other").status(), RefusedWith(Reason::kRequestIdReused));
}

TEST_F(StorageServiceTest, StreamWithoutHeaderIsRefused) {
  Open();
  grpc::ClientContext context;
  TestStorageClient::Prepare(context);
  wire::PutObjectResponse response;
  const auto writer = client_->stub().PutObject(&context, &response);
  wire::PutObjectRequest request;
  request.set_chunk("bytes");
  writer->Write(request);
  writer->WritesDone();
  EXPECT_THAT(FromGrpcStatus(writer->Finish(), context), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(StorageServiceTest, SecondHeaderIsRefused) {
  Open();
  grpc::ClientContext context;
  TestStorageClient::Prepare(context);
  wire::PutObjectResponse response;
  const auto writer = client_->stub().PutObject(&context, &response);
  wire::PutObjectRequest request;
  *request.mutable_header() = TestStorageClient::Header(Id(), object_);
  writer->Write(request);
  writer->Write(request);
  writer->WritesDone();
  EXPECT_THAT(FromGrpcStatus(writer->Finish(), context), RefusedWith(Reason::kFieldInvalid));
  EXPECT_EQ(Blobs(), 0u);
}

TEST_F(StorageServiceTest, CancelledPutLeavesNothing) {
  Open();
  {
    grpc::ClientContext context;
    TestStorageClient::Prepare(context);
    wire::PutObjectResponse response;
    const auto writer = client_->stub().PutObject(&context, &response);
    wire::PutObjectRequest request;
    *request.mutable_header() = TestStorageClient::Header(Id(), object_);
    ASSERT_TRUE(writer->Write(request));
    request.set_chunk(std::string(1 << 20, 'x'));
    for (int i = 0; i < 9; ++i) ASSERT_TRUE(writer->Write(request));
    context.TryCancel();
    EXPECT_FALSE(writer->Finish().ok());
  }
  // The handler ends before the server does.
  server_.reset();
  EXPECT_EQ(Blobs(), 0u);
}

TEST_F(StorageServiceTest, ListsInPagesAndDeletes) {
  Open();
  for (const char c : {'a', 'b', 'c'}) {
    ASSERT_THAT(client_->Put(TestStorageClient::Header(Id(), std::string(16, c)), "x").status(),
                IsOk());
  }
  wire::ListObjectsRequest list;
  list.set_account_id(Id());
  list.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const auto first, client_->Call(&Stub::ListObjects, list));
  ASSERT_EQ(first.objects_size(), 2);
  list.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto second, client_->Call(&Stub::ListObjects, list));
  ASSERT_EQ(second.objects_size(), 1);
  EXPECT_EQ(second.objects(0).object_id(), std::string(16, 'c'));
  EXPECT_TRUE(second.next_page_token().empty());

  wire::DeleteObjectRequest erase;
  erase.set_request_id(RandomBytes(16));
  erase.set_account_id(Id());
  erase.set_object_id(std::string(16, 'a'));
  erase.set_expected_version(2);
  EXPECT_THAT(client_->Call(&Stub::DeleteObject, erase).status(), RefusedWith(Reason::kConflict));
  erase.set_expected_version(1);
  EXPECT_THAT(client_->Call(&Stub::DeleteObject, erase), IsOk());
  EXPECT_THAT(client_->Get(Id(), std::string(16, 'a')).status(),
              RefusedWith(Reason::kObjectNotFound));
}

TEST_F(StorageServiceTest, WrapsAreReplacedForTheVersionThatIsStored) {
  Open();
  const wire::PutObjectHeader header = TestStorageClient::Header(Id(), object_);
  ASSERT_THAT(client_->Put(header, "x").status(), IsOk());
  wire::ReplaceWrappedKeysRequest request;
  request.set_request_id(RandomBytes(16));
  request.set_account_id(Id());
  request.set_object_id(object_);
  request.set_version(1);
  request.set_content_id(header.content_id());
  request.set_wrapped_content_key("other content key");
  request.set_wrapped_attributes_key("other attributes key");
  ASSERT_THAT(client_->Call(&Stub::ReplaceWrappedKeys, request), IsOk());
  wire::ListObjectsRequest list;
  list.set_account_id(Id());
  ASSERT_OK_AND_ASSIGN(const auto listed, client_->Call(&Stub::ListObjects, list));
  EXPECT_EQ(listed.objects(0).wrapped_content_key(), "other content key");
  EXPECT_EQ(listed.objects(0).wrapped_attributes_key(), "other attributes key");
  EXPECT_EQ(listed.objects(0).version(), 1u);
  request.set_request_id(RandomBytes(16));
  request.set_version(2);
  EXPECT_THAT(client_->Call(&Stub::ReplaceWrappedKeys, request).status(),
              RefusedWith(Reason::kConflict));
  request.set_version(0);
  EXPECT_THAT(client_->Call(&Stub::ReplaceWrappedKeys, request).status(),
              RefusedWith(Reason::kFieldInvalid));
  request.set_version(1);
  request.clear_wrapped_content_key();
  EXPECT_THAT(client_->Call(&Stub::ReplaceWrappedKeys, request).status(),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(StorageServiceTest, MovesNothingWithoutConsentWhoeverAsks) {
  // `us` receives from nobody; `cn` does, and asks for the consent at each step.
  const auto cn = TestServer::Start(
      Deployment(),
      {.region = "cn", .definition = StorageDefinition({.mover_threads = 0}), .clock = clock_});
  TestStorageClient source(cn->AsService("us", ServiceKind::kStorage));
  const auto call = [&](auto method, const auto& request, auto response) {
    grpc::ClientContext context;
    TestStorageClient::Prepare(context);
    context.AddMetadata(kTopologyMetadata, FormatTopologyMark(MarkOf(Deployment().topology())));
    const grpc::Status status = (source.stub().*method)(&context, request, &response);
    return FromGrpcStatus(status, context);
  };
  wire::PrepareMoveRequest prepare;
  prepare.set_account_id(Id());
  prepare.set_account_epoch(2);
  EXPECT_THAT(call(&Stub::PrepareMove, prepare, wire::PrepareMoveResponse()),
              RefusedWith(Reason::kConsentMissing));
  wire::ConfirmManifestRequest confirm;
  confirm.set_account_id(Id());
  confirm.set_account_epoch(2);
  *confirm.mutable_manifest() = ToProto(owner_.entries().front());
  *confirm.mutable_endorsement() = ToProto(owner_.entries().front());
  EXPECT_THAT(call(&Stub::ConfirmManifest, confirm, wire::ConfirmManifestResponse()),
              RefusedWith(Reason::kConsentMissing));
  grpc::ClientContext context;
  TestStorageClient::Prepare(context);
  context.AddMetadata(kTopologyMetadata, FormatTopologyMark(MarkOf(Deployment().topology())));
  const auto stream = source.stub().CopyObjects(&context);
  wire::CopyObjectsRequest start;
  start.mutable_start()->set_account_id(Id());
  start.mutable_start()->set_account_epoch(2);
  stream->Write(start);
  stream->WritesDone();
  wire::CopyObjectsResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(FromGrpcStatus(stream->Finish(), context), RefusedWith(Reason::kConsentMissing));
}

TEST_F(StorageServiceTest, OperatorPersonPlansAndStartsMigrations) {
  Open();
  TestStorageClient person(server_->AsPerson("us", "ops-evans"));
  ASSERT_OK_AND_ASSIGN(const auto plan,
                       person.Call(&Stub::PlanMigration, wire::PlanMigrationRequest()));
  ASSERT_EQ(plan.counts_size(), 1);
  EXPECT_EQ(plan.counts(0).territory(), "CN");
  EXPECT_EQ(plan.accounts_size(), 1);
  EXPECT_TRUE(plan.next_page_token().empty());
  wire::StartMigrationRequest start;
  start.set_request_id(RandomBytes(16));
  ASSERT_OK_AND_ASSIGN(const auto started, person.Call(&Stub::StartMigration, start));
  EXPECT_EQ(started.accounts(), 0u);
  EXPECT_EQ(started.migration_id(), start.request_id());
  server_->environment().TickOnce();
  ASSERT_OK_AND_ASSIGN(const auto report,
                       person.Call(&Stub::GetMigration, wire::GetMigrationRequest()));
  EXPECT_TRUE(report.done());
}

TEST_F(StorageServiceTest, MigrationBeginsWithoutWaitingForTheNextRoundOfMaintenance) {
  const auto server =
      TestServer::Start(Deployment(), {.region = "us",
                                       .definition = StorageDefinition({.mover_threads = 0}),
                                       .clock = clock_,
                                       .run_tickers = true});
  TestStorageClient person(server->AsPerson("us", "ops-evans"));
  // So many would take longer than this test may, if each waited for the next round by itself.
  for (int i = 0; i < 500; ++i) {
    wire::StartMigrationRequest start;
    start.set_request_id(RandomBytes(16));
    ASSERT_OK_AND_ASSIGN(const auto started, person.Call(&Stub::StartMigration, start));
    wire::GetMigrationRequest look;
    look.set_migration_id(started.migration_id());
    bool done = false;
    while (!done) {
      ASSERT_OK_AND_ASSIGN(const auto report, person.Call(&Stub::GetMigration, look));
      done = report.done();
    }
  }
}

TEST_F(StorageServiceTest, ReviewSeesScopeAndExecutesAnAuthorisation) {
  Open();
  ASSERT_OK_AND_ASSIGN(const auto stored,
                       client_->Put(TestStorageClient::Header(Id(), object_), "ciphertext"));
  clock_->Advance(1000);
  wire::GetScopeRequest scope;
  scope.set_case_id("us-201712-00-aaaaaaaaaaaaaaaa");
  scope.set_account_id(Id());
  scope.set_end_time_ms(clock_->Now());
  ASSERT_OK_AND_ASSIGN(const auto seen, review_->Call(&Stub::GetScope, scope));
  ASSERT_TRUE(seen.held());
  ASSERT_EQ(seen.items_size(), 1);
  EXPECT_EQ(seen.items(0).content_id(), stored.content_id());
  EXPECT_EQ(seen.items(0).padded_size(), 16u);

  const Authorisation authorisation =
      TestAuthorisation(Deployment(), owner_.id(), {*ContentId::FromBytes(stored.content_id())},
                        clock_->Now(), "us")
          .Build();
  wire::ExecuteAuthorisationRequest execute;
  *execute.mutable_authorisation() = ToProto(authorisation);
  ASSERT_OK_AND_ASSIGN(const auto answer, review_->Call(&Stub::ExecuteAuthorisation, execute));
  ASSERT_EQ(answer.objects_size(), 1);
  EXPECT_EQ(answer.objects(0).object().SerializeAsString(), stored.SerializeAsString());
  EXPECT_TRUE(answer.has_endorsement());
  ASSERT_OK_AND_ASSIGN(const LogReceipt receipt, ParseReceipt(answer.receipt()));
  EXPECT_THAT(VerifyReceipt(receipt, answer.leaf(),
                            Deployment().topology().LogOrigin(TestDeployment::Region("us"),
                                                              ServiceKind::kStorage),
                            Deployment().service("us", ServiceKind::kStorage).log_key.public_key()),
              IsOk());
  ASSERT_OK_AND_ASSIGN(const auto again, review_->Call(&Stub::ExecuteAuthorisation, execute));
  EXPECT_EQ(again.SerializeAsString(), answer.SerializeAsString());

  wire::ReadAuthorisedContentRequest read;
  read.set_authorisation_digest(std::string(authorisation.digest().bytes()));
  read.set_account_id(Id());
  read.set_content_id(stored.content_id());
  EXPECT_THAT(review_->ReadAuthorised(read), IsOkAndHolds(std::string("ciphertext")));
  read.set_content_id(std::string(16, 'z'));
  EXPECT_THAT(review_->ReadAuthorised(read).status(), RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(StorageServiceTest, ScopeOfAnUnknownAccountIsEmpty) {
  wire::GetScopeRequest scope;
  scope.set_case_id("us-201712-00-aaaaaaaaaaaaaaaa");
  scope.set_account_id(Id());
  ASSERT_OK_AND_ASSIGN(const auto seen, review_->Call(&Stub::GetScope, scope));
  EXPECT_FALSE(seen.held());
  EXPECT_EQ(seen.ByteSizeLong(), 0u);
}

}  // namespace
}  // namespace comity::storage
