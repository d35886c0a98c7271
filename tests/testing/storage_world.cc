#include "tests/testing/storage_world.h"

#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/statement/custody.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::storage {

StorageWorld::StorageWorld(const TestDeployment& d, UnixMillis now)
    : deployment(d), clock(now), custody(&d, &clock), us("us", &clock), cn("cn", &clock) {
  const auto line = [&](Side& from, Side& to, std::string_view operator_name) {
    from.peer = std::make_unique<DirectPeerStorage>(
        [&to] { return to.node.get(); },
        UnsafeAuthorizationForTest::Service(from.region, ServiceKind::kStorage, operator_name));
  };
  line(us, cn, "apple");
  line(cn, us, "gcbd");
  for (Side* side : {&us, &cn}) {
    const TestService& service = d.service(side->region, ServiceKind::kStorage);
    absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(service.statement_key.ToPem());
    COMITY_CHECK(key.ok());
    absl::StatusOr<std::unique_ptr<ServiceSigner>> signer = ServiceSigner::Open(
        d.topology().deployment(), TestDeployment::Region(side->region), ServiceKind::kStorage,
        *std::move(key), service.endorsement, &side->records, &clock);
    COMITY_CHECK(signer.ok());
    side->signer = *std::move(signer);
    Restart(*side);
  }
}

void StorageWorld::Restart(Side& side, std::unique_ptr<FailurePlan> plan) {
  side.node.reset();
  side.plan = std::move(plan);
  StorageNode::Ports ports;
  ports.topology = &deployment.topology();
  ports.region = TestDeployment::Region(side.region);
  ports.clock = &clock;
  ports.real_time = &clock;
  ports.signer = side.signer.get();
  ports.roster = &deployment.roster(side.region);
  ports.log = &side.log;
  ports.records = &side.records;
  ports.blobs = &side.blobs;
  if (side.plan != nullptr) {
    side.faulty_records = std::make_unique<FailingRecordStore>(&side.records, side.plan.get());
    side.faulty_blobs = std::make_unique<FailingBlobStore>(&side.blobs, side.plan.get());
    ports.records = side.faulty_records.get();
    ports.blobs = side.faulty_blobs.get();
  }
  ports.peer = side.peer.get();
  ports.custody = &custody;
  absl::StatusOr<std::unique_ptr<StorageNode>> node =
      StorageNode::Create(ports, {.mover_threads = 0, .task_threads = task_threads});
  // A machine that dies this early never came up.
  if (node.ok()) side.node = *std::move(node);
  COMITY_CHECK(side.node != nullptr || side.plan != nullptr);
}

CreateCommand StorageWorld::MakeOpening(TestAccount& account, std::string_view territory) {
  CreateCommand command;
  const std::string metadata_key = RandomBytes(32);
  command.chain = account.entries();
  command.record = account.SignRecord(deployment.topology(), territory, clock.Now());
  command.activations = {custody.Activate(account.id(), account.chain().head(), metadata_key)};
  command.endorsements = {custody.endorsement("us")};
  command.metadata_key = account.Sign(MetadataKey{metadata_key}, clock.Now());
  return command;
}

TestAccount& StorageWorld::Open(std::string_view territory) {
  accounts_.push_back(std::make_unique<TestAccount>(deployment.NewAccount(clock.Now())));
  TestAccount& account = *accounts_.back();
  const CreateCommand command = MakeOpening(account, territory);
  const auto opened = us.node->accounts().Create(DeviceOf(account), command);
  COMITY_CHECK(opened.ok());
  return account;
}

Authorization StorageWorld::DeviceOf(const TestAccount& account, size_t device) {
  return UnsafeAuthorizationForTest::Device(account.device(device).key.public_key());
}

absl::StatusOr<ObjectRecord> StorageWorld::TryPut(Side& side, const TestAccount& account,
                                                  const ObjectId& object, std::string_view bytes,
                                                  uint64_t expected_version,
                                                  const RequestId& request) {
  ASSIGN_OR_RETURN(const OwnerAccess access,
                   side.node->accounts().Owner(DeviceOf(account), account.id(), Access::kWrite));
  PutCommand command;
  command.request = request.IsZero() ? RandomId<RequestId>() : request;
  command.object = object;
  command.content = *ContentId::FromBytes(Sha256(bytes).substr(0, ContentId::kSize));
  command.expected_version = expected_version;
  command.wrapped_content_key = "content key";
  command.wrapped_attributes_key = "attributes key";
  command.sealed_attributes = "attributes";
  ASSIGN_OR_RETURN(const std::unique_ptr<Upload> upload,
                   side.node->objects().BeginPut(access, std::move(command)));
  RETURN_IF_ERROR(upload->Write(bytes));
  return upload->Finish();
}

ObjectRecord StorageWorld::Put(Side& side, const TestAccount& account, const ObjectId& object,
                               std::string_view bytes, uint64_t expected_version) {
  absl::StatusOr<ObjectRecord> record = TryPut(side, account, object, bytes, expected_version);
  COMITY_CHECK(record.ok());
  return *std::move(record);
}

absl::StatusOr<std::string> StorageWorld::Get(Side& side, const TestAccount& account,
                                              const ObjectId& object) {
  if (side.node == nullptr) return Refuse(Reason::kPeerUnavailable);
  ASSIGN_OR_RETURN(const OwnerAccess access,
                   side.node->accounts().Owner(DeviceOf(account), account.id(), Access::kRead));
  ASSIGN_OR_RETURN(const std::unique_ptr<Download> download,
                   side.node->objects().Open(access, object, 0, 0));
  std::string bytes;
  for (;;) {
    ASSIGN_OR_RETURN(const std::string segment, download->Next());
    if (segment.empty()) return bytes;
    bytes += segment;
  }
}

absl::StatusOr<std::vector<Statement>> StorageWorld::Deliver(
    Side& side, const TestAccount& account, const std::vector<Statement>& statements) {
  return side.node->deliveries().Deliver(DeviceOf(account), account.id(), statements);
}

Statement StorageWorld::Consent(TestAccount& account) {
  Statement consent = account.SignConsent(deployment.topology(), "CN", TestDeployment::Region("us"),
                                          1, clock.Now());
  COMITY_CHECK(custody.Deliver(account.id(), {consent}).ok());
  COMITY_CHECK(Deliver(us, account, {consent}).ok());
  return consent;
}

RequestId StorageWorld::StartMigration() {
  const auto id = RandomId<RequestId>();
  COMITY_CHECK(us.node->migrations().Start(id, std::nullopt, 0).ok());
  COMITY_CHECK(us.node->migrations().EnrolAll().ok());
  return id;
}

Progress StorageWorld::Advance(const TestAccount& account, int tries) {
  Progress progress = Progress::kRetry;
  for (int i = 0; i < tries && us.node != nullptr; ++i) {
    progress = us.node->AdvanceMove(account.id());
    if (progress == Progress::kDone || progress == Progress::kWait) break;
  }
  return progress;
}

bool StorageWorld::Serves(Side& side, const TestAccount& account) {
  if (side.node == nullptr) return false;
  return side.node->accounts().Owner(DeviceOf(account), account.id(), Access::kRead).ok();
}

MoveRecord StorageWorld::Move(const TestAccount& account) {
  const SnapshotPtr snapshot = Account(us, account);
  COMITY_CHECK(snapshot != nullptr && snapshot->move.has_value());
  return *snapshot->move;
}

SnapshotPtr StorageWorld::Account(Side& side, const TestAccount& account) {
  absl::StatusOr<SnapshotPtr> snapshot = side.node->Load(account.id());
  COMITY_CHECK(snapshot.ok());
  return *std::move(snapshot);
}

ObjectId ObjectInBucket(uint8_t bucket, uint8_t number) {
  std::string bytes(ObjectId::kSize, '\0');
  bytes[0] = static_cast<char>(bucket);
  bytes[1] = static_cast<char>(number);
  return *ObjectId::FromBytes(bytes);
}

}  // namespace comity::storage
