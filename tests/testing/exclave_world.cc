#include "tests/testing/exclave_world.h"

#include <utility>

#include "services/common/status/check.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity {

// Storage of "eu" asks custody of "eu".
class ExclaveWorld::OwnCustody final : public storage::OwnCustody {
 public:
  explicit OwnCustody(custody::CustodyNode* node) : node_(node) {}
  absl::StatusOr<std::vector<Statement>> Deliver(
      const AccountId& account_id, const std::vector<Statement>& statements) override {
    if (node_->process().dead()) return Refuse(Reason::kPeerUnavailable, "dead");
    return node_->custody().messenger().Deliver(node_->Storage(), account_id, statements);
  }

 private:
  custody::CustodyNode* const node_;
};

const TestDeployment& ExclaveWorld::Deployment() {
  static const auto* const kDeployment = new TestDeployment(ReadTopologyTemplate("icloud-2017"));
  return *kDeployment;
}

ExclaveWorld::ExclaveWorld(UnixMillis time, std::string_view territory)
    : us(Deployment(), "us", &clock, &network, &deaths),
      eu(Deployment(), "eu", &clock, &network, &deaths),
      account(Deployment().NewAccount(kBegin)),
      records(&clock),
      blobs(&clock),
      own_custody_(std::make_unique<OwnCustody>(&eu)) {
  const TestService& service = Deployment().service("eu", ServiceKind::kStorage);
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(service.statement_key.ToPem());
  COMITY_CHECK(key.ok());
  absl::StatusOr<std::unique_ptr<ServiceSigner>> signer =
      ServiceSigner::Open(Deployment().topology().deployment(), eu.region(), ServiceKind::kStorage,
                          *std::move(key), service.endorsement, &records, &clock);
  COMITY_CHECK(signer.ok());
  storage_signer_ = *std::move(signer);
  RestartStorage();

  const Statement record = account.SignRecord(Deployment().topology(), territory, now());
  const absl::StatusOr<Statement> activation =
      us.custody().custodian().Create(Device(), account.entries(), record);
  COMITY_CHECK(activation.ok());
  OpenAtStorage(record, *activation);
  clock.Advance(time - now());
}

ExclaveWorld::~ExclaveWorld() = default;

void ExclaveWorld::RestartStorage() {
  storage.reset();
  storage::StorageNode::Ports ports;
  ports.topology = &Deployment().topology();
  ports.region = eu.region();
  ports.clock = &clock;
  ports.real_time = &clock;
  ports.signer = storage_signer_.get();
  ports.roster = &Deployment().roster("eu");
  ports.log = &storage_log;
  ports.records = &records;
  ports.blobs = &blobs;
  ports.custody = own_custody_.get();
  absl::StatusOr<std::unique_ptr<storage::StorageNode>> node =
      storage::StorageNode::Create(ports, {.mover_threads = 0, .task_threads = 0});
  COMITY_CHECK(node.ok());
  storage = *std::move(node);
}

void ExclaveWorld::OpenAtStorage(const Statement& record, const Statement& activation) {
  const std::string metadata_key = ParseStatement<Activation>(activation)->body.metadata_public_key;
  storage::CreateCommand command;
  command.chain = account.entries();
  command.record = record;
  command.activations = {activation};
  command.endorsements = {Deployment().service("us", ServiceKind::kCustody).endorsement};
  command.metadata_key = account.Sign(MetadataKey{metadata_key}, now());
  COMITY_CHECK(storage->accounts().Create(Device(), command).ok());
}

std::string ExclaveWorld::Generate(custody::CustodyNode& node) {
  const auto keys = node.custody().data_keys().Generate(
      Device(), account.id(), custody::UseReason::kAccess, {custody::CustodyWorld::Context()});
  return keys.ok() ? keys->front().wrapped : "";
}

bool ExclaveWorld::Opens(custody::CustodyNode& node, const std::string& wrapped) {
  return !node.process().dead() && node.custody()
                                       .data_keys()
                                       .Unwrap(Device(), account.id(), custody::UseReason::kAccess,
                                               {{custody::CustodyWorld::Context(), wrapped}})
                                       .ok();
}

absl::StatusOr<std::vector<Statement>> ExclaveWorld::DeliverToCustody(
    custody::CustodyNode& node, const std::vector<Statement>& statements) {
  return node.custody().messenger().Deliver(Device(), account.id(), statements);
}

absl::StatusOr<std::vector<Statement>> ExclaveWorld::DeliverToStorage(
    const std::vector<Statement>& statements) {
  return storage->deliveries().Deliver(Device(), account.id(), statements);
}

Statement ExclaveWorld::SignConsent() {
  return account.SignConsent(Deployment().topology(), "DE", Place(), 1, now());
}

Statement ExclaveWorld::Consent() {
  Statement consent = SignConsent();
  COMITY_CHECK(DeliverToCustody(us, {consent}).ok());
  COMITY_CHECK(DeliverToStorage({consent}).ok());
  return consent;
}

storage::SnapshotPtr ExclaveWorld::AtStorage() {
  absl::StatusOr<storage::SnapshotPtr> snapshot = storage->Load(account.id());
  COMITY_CHECK(snapshot.ok());
  return *std::move(snapshot);
}

}  // namespace comity
