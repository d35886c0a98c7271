#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "services/storage/storage_service_definition.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_client.h"
#include "tests/testing/test_server.h"

// An account moves between two regions: both storages and both custodies, as they are deployed,
// over real gRPC and mTLS; moves advance with the maintenance that the test calls.
namespace comity::storage {
namespace {

namespace wire = comity::storage::v1;
using Stub = wire::StorageService::Stub;

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

class StorageMoveServiceTest : public testing::Test {
 protected:
  struct Stores {
    std::shared_ptr<FakeRecordStore> records = std::make_shared<FakeRecordStore>();
    std::shared_ptr<FakeBlobStore> blobs = std::make_shared<FakeBlobStore>();
  };

  StorageMoveServiceTest() {
    us_custody_ = StartCustody("us");
    cn_custody_ = StartCustody("cn");
    us_ = StartStorage("us", us_stores_);
    cn_ = StartStorage("cn", cn_stores_);
  }

  std::unique_ptr<TestServer> StartCustody(const std::string& region) {
    ServiceDefinition definition =
        custody::CustodyDefinition([](const ServiceEnvironment& environment)
                                       -> absl::StatusOr<std::unique_ptr<custody::Seal>> {
          return std::make_unique<custody::FakeSeal>(environment.region().name()[0]);
        });
    return TestServer::Start(Deployment(), {.region = region,
                                            .definition = std::move(definition),
                                            .clock = clock_,
                                            .addresses = &addresses_});
  }
  std::unique_ptr<TestServer> StartStorage(const std::string& region, const Stores& stores) {
    return TestServer::Start(
        Deployment(),
        {.region = region,
         .definition = StorageDefinition({.mover_threads = 0, .maintain_moves = true}),
         .clock = clock_,
         .records = stores.records,
         .blobs = stores.blobs,
         .addresses = &addresses_});
  }

  template <typename Request, typename Response>
  absl::StatusOr<Response> CallCustody(
      TestServer& server,
      grpc::Status (comity::custody::v1::CustodyService::Stub::*method)(grpc::ClientContext*,
                                                                        const Request&, Response*),
      const Request& request) {
    grpc::ClientContext context;
    TestStorageClient::Prepare(context);
    Response response;
    const auto stub =
        comity::custody::v1::CustodyService::NewStub(server.AsDevice(owner_.device()));
    const grpc::Status status = (stub.get()->*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status, context);
    return response;
  }

  void DeliverToCustody(TestServer& server, const std::vector<Statement>& statements) {
    comity::custody::v1::DeliverStatementRequest request;
    request.set_account_id(Id());
    for (const Statement& statement : statements) *request.add_statements() = ToProto(statement);
    ASSERT_THAT(
        CallCustody(server, &comity::custody::v1::CustodyService::Stub::DeliverStatement, request),
        IsOk());
  }

  // Opens the account as a client does: custody first, then storage.
  void Open() {
    comity::custody::v1::CreateAccountRequest key;
    key.set_request_id(RandomBytes(16));
    for (const Statement& entry : owner_.entries()) *key.add_chain() = ToProto(entry);
    *key.mutable_account_record() =
        ToProto(owner_.SignRecord(Deployment().topology(), "CN", clock_->Now()));
    ASSERT_OK_AND_ASSIGN(
        const auto activated,
        CallCustody(*us_custody_, &comity::custody::v1::CustodyService::Stub::CreateAccount, key));
    ASSERT_OK_AND_ASSIGN(const Statement activation, FromProto(activated.activation()));
    ASSERT_OK_AND_ASSIGN(const auto body, ParseStatement<Activation>(activation));
    wire::CreateAccountRequest create;
    create.set_request_id(RandomBytes(16));
    *create.mutable_chain() = key.chain();
    *create.mutable_account_record() = key.account_record();
    *create.add_activations() = activated.activation();
    *create.add_endorsements() = activated.endorsement();
    *create.mutable_metadata_key() =
        ToProto(owner_.Sign(MetadataKey{body.body.metadata_public_key}, clock_->Now()));
    ASSERT_THAT(Us().Call(&Stub::CreateAccount, create), IsOk());
  }

  void ConsentAndStart() {
    clock_->Advance(TestDeployment::kHandover + kDayMs - clock_->Now());
    const Statement consent = owner_.SignConsent(Deployment().topology(), "CN",
                                                 TestDeployment::Region("us"), 1, clock_->Now());
    DeliverToCustody(*us_custody_, {consent});
    ASSERT_THAT(Us().Deliver(Id(), {consent}).status(), IsOk());
    TestStorageClient person(us_->AsPerson("us", "ops-evans"));
    wire::StartMigrationRequest start;
    start.set_request_id(RandomBytes(16));
    ASSERT_OK_AND_ASSIGN(const auto started, person.Call(&Stub::StartMigration, start));
    ASSERT_EQ(started.accounts(), 1u);
  }
  wire::GetMigrationResponse Progress() {
    TestStorageClient person(us_->AsPerson("us", "ops-evans"));
    return person.Call(&Stub::GetMigration, wire::GetMigrationRequest()).value();
  }
  void Tick(int times = 1) {
    for (int i = 0; i < times; ++i) us_->environment().TickOnce();
  }

  TestStorageClient Us() { return TestStorageClient(us_->AsDevice(owner_.device())); }
  TestStorageClient Cn() { return TestStorageClient(cn_->AsDevice(owner_.device())); }
  std::string Id() const { return std::string(owner_.id().bytes()); }
  wire::Account Account(TestStorageClient client) {
    wire::GetAccountRequest request;
    request.set_account_id(Id());
    return client.Call(&Stub::GetAccount, request).value().account();
  }
  // Types of the statements that an account's history holds.
  static std::vector<std::string> Types(const wire::Account& account) {
    std::vector<std::string> types;
    for (const auto& message : account.statements()) {
      types.push_back(PeekEnvelope(*FromProto(message))->type);
    }
    return types;
  }

  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(TestDeployment::kStart);
  TestAddresses addresses_;
  TestAccount owner_ = Deployment().NewAccount();
  Stores us_stores_;
  Stores cn_stores_;
  std::unique_ptr<TestServer> us_custody_;
  std::unique_ptr<TestServer> cn_custody_;
  std::unique_ptr<TestServer> us_;
  std::unique_ptr<TestServer> cn_;
};

TEST_F(StorageMoveServiceTest, AccountMovesWithItsDataAndItsKeys) {
  Open();
  std::vector<std::pair<std::string, std::string>> files;
  for (const char c : {'a', 'b', 'z'}) files.emplace_back(std::string(16, c), std::string(3, c));
  files.emplace_back(std::string(16, 'm'), std::string(5 << 20, 'm'));
  for (const auto& [object, bytes] : files) {
    ASSERT_THAT(Us().Put(TestStorageClient::Header(Id(), object), bytes).status(), IsOk());
  }
  ConsentAndStart();
  Tick(3);
  const wire::GetMigrationResponse progress = Progress();
  ASSERT_TRUE(progress.done());
  ASSERT_EQ(progress.moved(), 1u) << "failure " << progress.moves(0).failure() << " at step "
                                  << progress.moves(0).step();
  EXPECT_EQ(progress.moves(0).objects(), 4u);
  for (const auto& [object, bytes] : files) {
    ASSERT_OK_AND_ASSIGN(const auto got, Cn().Get(Id(), object));
    EXPECT_TRUE(got.bytes == bytes);
    EXPECT_THAT(Us().Get(Id(), object).status(), RefusedWith(Reason::kAccountNotHere));
  }
  EXPECT_EQ(Account(Us()).state(), wire::ACCOUNT_STATE_MOVED);
  EXPECT_EQ(Account(Us()).home_region(), "cn");
  EXPECT_EQ(Account(Cn()).state(), wire::ACCOUNT_STATE_ACTIVE);
  EXPECT_EQ(Account(Cn()).account_epoch(), 2u);

  // The device reads back, and both sides end with every certificate.
  Digest root;
  const wire::Account source = Account(Us());
  for (const auto& message : source.statements()) {
    const auto release = ParseStatement<Release>(*FromProto(message));
    if (release.ok()) root = release->body.manifest_root;
  }
  const Statement readback =
      owner_.Sign(ReadBack{2, TestDeployment::Region("cn"), root}, clock_->Now());
  DeliverToCustody(*cn_custody_, {readback});
  ASSERT_THAT(Cn().Deliver(Id(), {readback}).status(), IsOk());
  ASSERT_THAT(Us().Deliver(Id(), {readback}).status(), IsOk());
  Tick(3);
  for (const wire::Account& account : {Account(Us()), Account(Cn())}) {
    const std::vector<std::string> types = Types(account);
    for (const std::string_view type :
         {Release::kType, Activation::kType, KeyDestruction::kType, DataDestruction::kType}) {
      EXPECT_THAT(types, testing::Contains(std::string(type))) << account.home_region();
    }
  }
  EXPECT_EQ(Progress().moves(0).step(), wire::MOVE_STEP_TOLD);
}

// What the destination holds is told in several messages then; a pass that read them wrongly would
// send objects again.
TEST_F(StorageMoveServiceTest, EachOfManyObjectsIsSentOnce) {
  constexpr uint32_t kObjects = 1'100;
  Open();
  for (uint32_t i = 0; i < kObjects; ++i) {
    std::string object(16, 'o');
    object[i % 16] = static_cast<char>(i / 16);
    ASSERT_THAT(Us().Put(TestStorageClient::Header(Id(), object), "bytes").status(), IsOk()) << i;
  }
  ConsentAndStart();
  Tick(3);
  const wire::GetMigrationResponse progress = Progress();
  EXPECT_EQ(progress.moved(), 1u);
  EXPECT_EQ(progress.moves(0).objects(), kObjects);
  EXPECT_EQ(progress.moves(0).bytes(), kObjects * 5u);
}

TEST_F(StorageMoveServiceTest, DestinationThatWasDownIsFoundLater) {
  Open();
  ASSERT_THAT(Us().Put(TestStorageClient::Header(Id(), std::string(16, 'a')), "x").status(),
              IsOk());
  ConsentAndStart();
  cn_.reset();
  Tick(2);
  wire::GetMigrationResponse progress = Progress();
  EXPECT_FALSE(progress.done());
  EXPECT_EQ(progress.moves(0).failure(), comity::common::v1::ERROR_REASON_PEER_UNAVAILABLE);
  ASSERT_OK_AND_ASSIGN(const auto here, Us().Get(Id(), std::string(16, 'a')));
  EXPECT_EQ(here.bytes, "x");
  // It comes back at another address, which a source that starts anew learns.
  us_.reset();
  cn_ = StartStorage("cn", cn_stores_);
  us_ = StartStorage("us", us_stores_);
  for (int i = 0; i < 500 && !Progress().done(); ++i) Tick();
  progress = Progress();
  EXPECT_EQ(progress.moved(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto there, Cn().Get(Id(), std::string(16, 'a')));
  EXPECT_EQ(there.bytes, "x");
}

TEST_F(StorageMoveServiceTest, RestartedStoragesGoOn) {
  Open();
  ASSERT_THAT(Us().Put(TestStorageClient::Header(Id(), std::string(16, 'a')), "x").status(),
              IsOk());
  ConsentAndStart();
  // Custody is away, so that the move stops before the fence.
  us_custody_->environment().calls().StartDraining();
  Tick();
  EXPECT_EQ(Progress().moves(0).step(), wire::MOVE_STEP_DATA_COPIED);
  us_.reset();
  cn_.reset();
  us_ = StartStorage("us", us_stores_);
  cn_ = StartStorage("cn", cn_stores_);
  EXPECT_EQ(Progress().moves(0).step(), wire::MOVE_STEP_DATA_COPIED);
  ASSERT_OK_AND_ASSIGN(const auto here, Us().Get(Id(), std::string(16, 'a')));
  EXPECT_EQ(here.bytes, "x");
}

}  // namespace
}  // namespace comity::storage
