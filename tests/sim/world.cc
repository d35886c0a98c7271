#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/custody.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/stored_codec.h"
#include "services/storage/stored_commit.h"
#include "tests/fakes/fake_seal.h"
#include "tests/sim/lines.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::sim {
namespace {

constexpr std::string_view kOperator = "apple";

RegionId RegionOf(Machine machine) {
  const bool us = machine == Machine::kUsStorage || machine == Machine::kUsCustody;
  return TestDeployment::Region(us ? "us" : "cn");
}

std::unique_ptr<ServiceSigner> MakeSigner(const TestDeployment& deployment, const RegionId& region,
                                          ServiceKind kind, RecordStore* disk, const Clock* clock) {
  const TestService& service = deployment.service(region.name(), kind);
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(service.statement_key.ToPem());
  COMITY_CHECK(key.ok());
  absl::StatusOr<std::unique_ptr<ServiceSigner>> signer =
      ServiceSigner::Open(deployment.topology().deployment(), region, kind, *std::move(key),
                          service.endorsement, disk, clock);
  COMITY_CHECK(signer.ok());
  return *std::move(signer);
}

// Did the step of a move change? Then the coordinator begins anew with what is on its disk.
bool ChangesStep(RecordStore& disk, std::string_view partition,
                 const std::vector<Mutation>& mutations) {
  for (const Mutation& mutation : mutations) {
    if (mutation.key != "move" || mutation.kind != Mutation::Kind::kPut) continue;
    const absl::StatusOr<storage::MoveRecord> after = storage::DecodeMove(mutation.value);
    const absl::StatusOr<Snapshot> snapshot = disk.Get(partition, {"move"});
    COMITY_CHECK(after.ok() && snapshot.ok());
    const std::string* value = snapshot->Find("move");
    if (value == nullptr) return true;
    return storage::DecodeMove(*value)->step != after->step;
  }
  return false;
}

}  // namespace

World::World(const TestDeployment& deployment, const Scenario& scenario)
    : deployment_(deployment), scenario_(scenario), kernel_(scenario.limits) {
  kernel_.SetHooks({[this](Machine machine) { Restart(machine); },
                    [this](Machine machine) { return Look(machine); },
                    [this] { return LookAtDisks(); }});
  for (const Machine machine : {Machine::kUsCustody, Machine::kCnCustody}) MakeCustody(machine);
  for (const Machine machine : {Machine::kUsStorage, Machine::kCnStorage}) MakeStorage(machine);
  for (int i = 0; i < scenario.accounts; ++i) MakeOwner(i);
  // Ids are drawn at random; with the owners in their order, a seed takes the same path again.
  std::ranges::sort(owners_, {}, [](const Owner& owner) { return owner.account->id(); });
  clock_.Advance(TestDeployment::kHandover + kDayMs - clock_.Now());
  for (Owner& owner : owners_) {
    if (scenario.consents) {
      const Statement consent = owner.account->SignConsent(
          deployment_.topology(), "CN", TestDeployment::Region("us"), 1, clock_.Now());
      const AccountId& id = owner.account->id();
      COMITY_CHECK(us_keys_.custody->messenger().Deliver(DeviceOf(owner), id, {consent}).ok());
      COMITY_CHECK(us_.node->deliveries().Deliver(DeviceOf(owner), id, {consent}).ok());
      if (scenario.withdraws) {
        owner.withdrawal =
            owner.account->Sign(Withdrawal{owner.account->last_number()}, clock_.Now());
        reader_.Learn(*owner.withdrawal);
      }
    }
    Enrol(owner);
    for (const Statement& statement : Load(us_, owner)->history) reader_.Learn(statement);
  }
  jumps_left_ = scenario.jumps;
}

void World::MakeStorage(Machine machine) {
  StorageSide& side = StorageOf(machine);
  side.region = RegionOf(machine);
  const Plant plant = machine == Machine::kUsStorage ? scenario_.plant : Plant::kNone;
  const auto settles = [this, &side](std::string_view partition,
                                     const std::vector<Mutation>& mutations) {
    return kernel_.running_work().starts_with("Advance") &&
           ChangesStep(side.disk, partition, mutations);
  };
  side.records = std::make_unique<SimRecordStore>(&kernel_, &side.disk, true, plant, settles);
  side.blobs = std::make_unique<SimBlobStore>(&kernel_, &side.blob_disk);
  side.log = std::make_unique<SimEventLog>();
  side.signer = MakeSigner(deployment_, side.region, ServiceKind::kStorage, &side.disk, &clock_);
  const bool us = machine == Machine::kUsStorage;
  side.peer = std::make_unique<PeerStorageLine>(
      &kernel_, us ? Machine::kCnStorage : Machine::kUsStorage,
      [this, us] { return us ? cn_.node : us_.node; },
      UnsafeAuthorizationForTest::Service(side.region.name(), ServiceKind::kStorage, kOperator),
      plant == Plant::kCopyLost);
  side.own_custody = std::make_unique<OwnCustodyLine>(
      &kernel_, us ? Machine::kUsCustody : Machine::kCnCustody,
      [this, us] { return us ? us_keys_.custody : cn_keys_.custody; },
      UnsafeAuthorizationForTest::Service(side.region.name(), ServiceKind::kStorage, kOperator));
  StartNode(side);
}

void World::MakeCustody(Machine machine) {
  CustodySide& side = CustodyOf(machine);
  side.region = RegionOf(machine);
  const Plant plant = machine == Machine::kUsCustody ? scenario_.plant : Plant::kNone;
  // Whatever runs in a custody loads the account after each commit.
  const auto settles = [](std::string_view partition, const std::vector<Mutation>&) {
    return partition.starts_with("custody/");
  };
  side.records = std::make_unique<SimRecordStore>(&kernel_, &side.disk, false, plant, settles);
  side.store = std::make_unique<custody::StoredAccountStore>(side.records.get());
  side.log = std::make_unique<SimLeafLog>();
  side.signer = MakeSigner(deployment_, side.region, ServiceKind::kCustody, &side.disk, &clock_);
  const bool us = machine == Machine::kUsCustody;
  const auto offered = [this](const Statement& key) {
    offered_[key.digest()] = clock_.Now() + custody::kTransportKeyLifetimeMs;
  };
  const auto used = [this](const Digest& transport) { offered_.erase(transport); };
  side.peers = std::make_unique<PeerCustodyLine>(
      &kernel_, us ? Machine::kCnCustody : Machine::kUsCustody,
      [this, us] { return us ? cn_keys_.custody : us_keys_.custody; },
      UnsafeAuthorizationForTest::Service(side.region.name(), ServiceKind::kCustody, kOperator),
      plant == Plant::kAbortSwallowed, offered, used);
  StartCustody(side);
}

void World::Restart(Machine machine) {
  switch (machine) {
    case Machine::kUsStorage:
    case Machine::kCnStorage:
      StorageOf(machine).records->LoseUnsynced();
      StartNode(StorageOf(machine));
      return;
    case Machine::kCnCustody:
      offered_.clear();
      [[fallthrough]];
    case Machine::kUsCustody:
      CustodyOf(machine).records->LoseUnsynced();
      StartCustody(CustodyOf(machine));
      return;
  }
}

void World::StartNode(StorageSide& side) {
  storage::StorageNode::Ports ports;
  ports.topology = &deployment_.topology();
  ports.region = side.region;
  ports.clock = &clock_;
  ports.real_time = &clock_;
  ports.signer = side.signer.get();
  ports.roster = &deployment_.roster(side.region.name());
  ports.log = side.log.get();
  ports.records = side.records.get();
  ports.blobs = side.blobs.get();
  ports.peer = side.peer.get();
  ports.custody = side.own_custody.get();
  absl::StatusOr<std::unique_ptr<storage::StorageNode>> node =
      storage::StorageNode::Create(ports, {.mover_threads = 0});
  COMITY_CHECK(node.ok());
  nodes_.push_back(*std::move(node));
  side.node = nodes_.back().get();
}

custody::Site World::SiteOf(const CustodySide& side) const {
  custody::Site site;
  site.topology = &deployment_.topology();
  site.roster = &deployment_.roster(side.region.name());
  site.clock = &clock_;
  site.signer = side.signer.get();
  site.region = side.region;
  site.operator_name = kOperator;
  return site;
}

void World::StartCustody(CustodySide& side) {
  // It opens by itself at each start, with the root key of its region.
  static custody::FakeSeal us('u');
  static custody::FakeSeal cn('c');
  custodies_.push_back(
      std::make_unique<custody::Custody>(SiteOf(side), side.region.name() == "us" ? &us : &cn,
                                         side.store.get(), side.log.get(), side.peers.get(), 8));
  side.custody = custodies_.back().get();
  COMITY_CHECK(side.custody->Start().ok());
}

Authorization World::DeviceOf(const Owner& owner) {
  return UnsafeAuthorizationForTest::Device(owner.account->device().key.public_key());
}

storage::SnapshotPtr World::Load(StorageSide& side, const Owner& owner) {
  absl::StatusOr<storage::SnapshotPtr> account = side.node->Load(owner.account->id());
  COMITY_CHECK(account.ok());
  return *std::move(account);
}

const custody::Account& World::Load(CustodySide& side, const Owner& owner) {
  CustodySide::Read& read = side.read[owner.account->id()];
  if (read.at != side.disk.applied() || !read.account.exists()) {
    absl::StatusOr<custody::Account> account = side.direct.Load(owner.account->id(), nullptr);
    COMITY_CHECK(account.ok());
    read = {side.disk.applied(), *std::move(account)};
  }
  return read.account;
}

void World::MakeOwner(int index) {
  Owner& owner = owners_.emplace_back();
  owner.account = std::make_unique<TestAccount>(deployment_.NewAccount(clock_.Now()));
  TestAccount& account = *owner.account;
  const Statement record = account.SignRecord(deployment_.topology(), "CN", clock_.Now());
  const absl::StatusOr<Statement> activation =
      us_keys_.custody->custodian().Create(DeviceOf(owner), account.entries(), record);
  COMITY_CHECK(activation.ok());
  const auto activated = ParseStatement<Activation>(*activation);
  COMITY_CHECK(activated.ok());

  storage::CreateCommand command;
  command.chain = account.entries();
  command.record = record;
  command.activations = {*activation};
  command.endorsements = {us_keys_.signer->endorsement()};
  command.metadata_key =
      account.Sign(MetadataKey{activated->body.metadata_public_key}, clock_.Now());
  COMITY_CHECK(us_.node->accounts().Create(DeviceOf(owner), command).ok());

  const auto context = custody::KeyContext::Create(RandomId<ObjectId>(), RandomId<ContentId>(),
                                                   KeyPurpose::kContent, {});
  COMITY_CHECK(context.ok());
  absl::StatusOr<std::vector<custody::GeneratedKey>> keys = us_keys_.custody->data_keys().Generate(
      DeviceOf(owner), account.id(), custody::UseReason::kAccess, {*context});
  COMITY_CHECK(keys.ok());
  owner.wrap = custody::WrappedKey{*context, keys->front().wrapped};
  owner.plain = std::string(keys->front().plaintext.RevealView(RevealKey::ForTest()));

  const auto object = [&](char bucket, char number) {
    std::string bytes(ObjectId::kSize, '\0');
    bytes[0] = bucket;
    bytes[1] = number;
    return Object{*ObjectId::FromBytes(bytes), "object " + std::to_string(bucket) + "/" +
                                                   std::to_string(number) + " of " +
                                                   std::to_string(index)};
  };
  for (int i = 0; i < scenario_.objects; ++i) {
    // Every second one in a bucket of its own.
    owner.extra = object(static_cast<char>(1 + i / 2), static_cast<char>(i % 2));
    Put(owner);
    COMITY_CHECK(owner.put);
    owner.put = false;
  }
  owner.extra = object(1, 7);
}

void World::Put(Owner& owner) {
  const auto put = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(
        const storage::OwnerAccess access,
        us_.node->accounts().Owner(DeviceOf(owner), owner.account->id(), storage::Access::kWrite));
    const std::string digest = Sha256(owner.extra.bytes);
    storage::PutCommand command;
    // The same request each time, as a device repeats it.
    command.request = *RequestId::FromBytes(digest.substr(0, RequestId::kSize));
    command.object = owner.extra.id;
    command.content = *ContentId::FromBytes(digest.substr(0, ContentId::kSize));
    command.wrapped_content_key = "content key";
    command.wrapped_attributes_key = "attributes key";
    command.sealed_attributes = "attributes";
    ASSIGN_OR_RETURN(const std::unique_ptr<storage::Upload> upload,
                     us_.node->objects().BeginPut(access, std::move(command)));
    RETURN_IF_ERROR(upload->Write(owner.extra.bytes));
    return upload->Finish().status();
  };
  if (put().ok()) {
    owner.put = true;
    owner.stored.push_back(owner.extra);
  }
}

void World::Enrol(Owner& owner) {
  ++owner.attempts;
  COMITY_CHECK(us_.node->migrations().Start(RandomId<RequestId>(), std::nullopt, 0).ok());
  us_.node->migrations().EnrolAll().IgnoreError();
}

}  // namespace comity::sim
