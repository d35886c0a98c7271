#include "tests/testing/custody.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/status/check.h"
#include "tests/fakes/fake_seal.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

PrivateKey CopyOf(const PrivateKey& key) {
  absl::StatusOr<PrivateKey> copy = PrivateKey::FromPem(key.ToPem());
  COMITY_CHECK(copy.ok());
  return *std::move(copy);
}

}  // namespace

void CustodyNetwork::Add(CustodyNode* node) { nodes_[node->region()] = node; }

CustodyNode* CustodyNetwork::Find(const RegionId& region) const {
  const auto found = nodes_.find(region);
  return found == nodes_.end() ? nullptr : found->second;
}

class CustodyNode::MortalStore final : public AccountStore {
 public:
  MortalStore(AccountStore* store, MortalProcess* process) : store_(store), process_(process) {}
  absl::StatusOr<Account> Load(const AccountId& account, const KeySealer* keys) override {
    if (process_->dead()) {
      return Refuse(Reason::kStoreUnavailable, "dead");
    }
    return store_->Load(account, keys);
  }
  absl::StatusOr<Account> Skim(const AccountId& account) override { return store_->Skim(account); }
  absl::StatusOr<uint64_t> Commit(const Account& before, const Account& after,
                                  const CommitExtras& extras) override {
    return process_->Contact([&] { return store_->Commit(before, after, extras); });
  }
  absl::StatusOr<std::optional<LegalUse>> FindUse(const AccountId& account,
                                                  const Digest& authorisation) override {
    return store_->FindUse(account, authorisation);
  }
  absl::StatusOr<std::vector<AccountId>> List(const AccountId& cursor, size_t limit) override {
    return store_->List(cursor, limit);
  }
  absl::StatusOr<ResealMark> LoadMark() override { return store_->LoadMark(); }
  absl::Status KeepMark(const ResealMark& mark) override {
    return process_->Contact([&] { return store_->KeepMark(mark); });
  }

 private:
  AccountStore* const store_;
  MortalProcess* const process_;
};

class CustodyNode::MortalLog final : public LeafLog {
 public:
  MortalLog(LeafLog* log, MortalProcess* process) : log_(log), process_(process) {}
  absl::StatusOr<std::vector<LogReceipt>> Append(const std::vector<std::string>& leaves) override {
    return process_->Contact([&] { return log_->Append(leaves); });
  }

 private:
  LeafLog* const log_;
  MortalProcess* const process_;
};

class CustodyNode::MortalPeers final : public PeerCustody {
 public:
  MortalPeers(CustodyNetwork* network, CustodyNode* self) : network_(network), self_(self) {}

  absl::StatusOr<Endorsed> GetTransportKey(const RegionId& region, const AccountId& account,
                                           AccountEpoch epoch) override {
    return Call<Endorsed>(region, [&](CustodyNode& node) -> absl::StatusOr<Endorsed> {
      absl::StatusOr<Statement> key = node.custody().importer().OfferTransportKey(
          node.ForeignCustody(self_->region()), account, epoch);
      if (!key.ok()) {
        return key.status();
      }
      return Endorsed{*std::move(key), node.site().endorsement()};
    });
  }
  absl::StatusOr<Endorsed> ImportKeys(const RegionId& region,
                                      const ImportCommand& command) override {
    return Call<Endorsed>(region, [&](CustodyNode& node) -> absl::StatusOr<Endorsed> {
      absl::StatusOr<Statement> receipt =
          node.custody().importer().Import(node.ForeignCustody(self_->region()), command);
      if (!receipt.ok()) {
        return receipt.status();
      }
      return Endorsed{*std::move(receipt), node.site().endorsement()};
    });
  }
  absl::StatusOr<std::vector<Statement>> DeliverStatement(
      const RegionId& region, const AccountId& account,
      const std::vector<Statement>& statements) override {
    return Call<std::vector<Statement>>(region, [&](CustodyNode& node) {
      return node.custody().messenger().Deliver(node.ForeignCustody(self_->region()), account,
                                                statements);
    });
  }

 private:
  template <typename Answer, typename Ask>
  absl::StatusOr<Answer> Call(const RegionId& region, const Ask& ask) {
    return self_->process_.Contact([&]() -> absl::StatusOr<Answer> {
      CustodyNode* node = network_->Find(region);
      const CallFate fate = network_->fate ? network_->fate() : CallFate::kFine;
      if (node == nullptr || node->process().dead() || fate == CallFate::kLoseRequest) {
        return Refuse(Reason::kPeerUnavailable);
      }
      if (fate == CallFate::kTwice) {
        (void)ask(*node);
      }
      absl::StatusOr<Answer> answer = ask(*node);
      if (node->process().dead() || fate == CallFate::kLoseAnswer) {
        return Refuse(Reason::kDeadline);
      }
      return answer;
    });
  }

  CustodyNetwork* const network_;
  CustodyNode* const self_;
};

CustodyNode::CustodyNode(const TestDeployment& deployment, std::string_view region,
                         const Clock* clock, CustodyNetwork* network, DeathPoints* deaths)
    : deployment_(deployment),
      region_(TestDeployment::Region(region)),
      clock_(clock),
      process_(deaths),
      store_(&records_),
      mortal_store_(std::make_unique<MortalStore>(&store_, &process_)),
      mortal_log_(std::make_unique<MortalLog>(&log_, &process_)),
      peers_(std::make_unique<MortalPeers>(network, this)) {
  network->Add(this);
  Start();
}

CustodyNode::~CustodyNode() = default;

void CustodyNode::Start() { COMITY_CHECK(TryStart().ok()); }

absl::Status CustodyNode::TryStart() {
  custody_.reset();
  process_.Revive();
  const TestService& service = deployment_.service(region_.name(), ServiceKind::kCustody);
  absl::StatusOr<std::unique_ptr<ServiceSigner>> signer =
      ServiceSigner::Open(deployment_.topology().deployment(), region_, ServiceKind::kCustody,
                          CopyOf(service.statement_key), service.endorsement, &records_, clock_);
  COMITY_CHECK(signer.ok());
  signer_ = *std::move(signer);
  if (make_seal_) {
    seal_ = make_seal_();
  } else {
    seal_ = std::make_unique<FakeSeal>(region_.name()[0]);
  }
  custody_ = std::make_unique<Custody>(site(), seal_.get(), mortal_store_.get(), mortal_log_.get(),
                                       peers_.get(), 256);
  return custody_->Start();
}

Site CustodyNode::site() const {
  Site site;
  site.topology = &deployment_.topology();
  site.roster = &deployment_.roster(region_.name());
  site.clock = clock_;
  site.signer = signer_.get();
  site.region = region_;
  site.operator_name =
      deployment_.topology().FindRegion(region_)->service(ServiceKind::kCustody).operator_name;
  site.seal_lease_ms = seal_lease_ms_;
  site.limits = limits_;
  site.backup = backup_;
  return site;
}

void CustodyNode::UseLimits(RateLimits* limits) {
  limits_ = limits;
  Start();
}

absl::Status CustodyNode::UseBackup(RootBackup* backup) {
  backup_ = backup;
  return TryStart();
}

void CustodyNode::UseSeal(std::function<std::unique_ptr<Seal>()> make_seal, int64_t lease_ms) {
  make_seal_ = std::move(make_seal);
  seal_lease_ms_ = lease_ms;
  Start();
}

Authorization CustodyNode::Storage() const {
  return UnsafeAuthorizationForTest::Service(region_.name(), ServiceKind::kStorage, "gcbd");
}
Authorization CustodyNode::Review() const {
  return UnsafeAuthorizationForTest::Service(region_.name(), ServiceKind::kReview, "gcbd");
}
Authorization CustodyNode::ForeignCustody(const RegionId& region) const {
  return UnsafeAuthorizationForTest::Service(region.name(), ServiceKind::kCustody, "apple");
}
Authorization CustodyNode::Device(const TestDevice& device) {
  return UnsafeAuthorizationForTest::Device(device.key.public_key());
}

void CustodyNode::Tick() {
  custody_->Tick([] { return false; });
}

Account CustodyNode::LoadAccount(const AccountId& id) {
  absl::StatusOr<Account> account = store_.Load(id, nullptr);
  COMITY_CHECK(account.ok());
  return *std::move(account);
}

MoveEvidence SignMoveEvidence(const TestDeployment& deployment, const AccountId& account,
                              AccountEpoch epoch, const Digest& consent, UnixMillis time,
                              std::string_view root) {
  const Digest digest = Sha256Digest(root);
  const DataManifest manifest{epoch, digest, 3, 4'096};
  MoveEvidence evidence;
  evidence.fence = SignAs(deployment, "us", ServiceKind::kStorage, account,
                          DataFence{epoch, TestDeployment::Region("cn"), consent, digest}, time);
  evidence.source_manifest =
      SignAs(deployment, "us", ServiceKind::kStorage, account, manifest, time);
  evidence.destination_manifest =
      SignAs(deployment, "cn", ServiceKind::kStorage, account, manifest, time);
  evidence.source_endorsement = deployment.service("us", ServiceKind::kStorage).endorsement;
  evidence.destination_endorsement = deployment.service("cn", ServiceKind::kStorage).endorsement;
  return evidence;
}

const Statement* FindType(const std::vector<Statement>& statements, std::string_view type,
                          std::string_view region) {
  for (const Statement& statement : statements) {
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    if (envelope.ok() && envelope->type == type && (region.empty() || envelope->region == region)) {
      return &statement;
    }
  }
  return nullptr;
}

const TestDeployment& SharedDeployment() {
  static const TestDeployment* const kDeployment = new TestDeployment();
  return *kDeployment;
}

CustodyWorld::CustodyWorld(UnixMillis time)
    : us(deployment_, "us", &clock, &network, &deaths),
      cn(deployment_, "cn", &clock, &network, &deaths),
      account(deployment_.NewAccount()) {
  CreateAccountAt(us, account);
  clock.Advance(time - clock.Now());
}

void CustodyWorld::CreateAccountAt(CustodyNode& node, TestAccount& owner,
                                   std::string_view territory) {
  const absl::StatusOr<Statement> activation =
      node.custody().custodian().Create(CustodyNode::Device(owner.device()), owner.entries(),
                                        owner.SignRecord(topology(), territory, clock.Now()));
  COMITY_CHECK(activation.ok());
}

KeyContext CustodyWorld::Context(std::string_view object) {
  const auto id = [&](std::string_view salt) {
    return Sha256(std::string(salt) + std::string(object)).substr(0, 16);
  };
  return *KeyContext::Create(*ObjectId::FromBytes(id("object")),
                             *ContentId::FromBytes(id("content")), KeyPurpose::kContent, {});
}

std::string CustodyWorld::Generate(CustodyNode& node, TestAccount& owner) {
  const absl::StatusOr<std::vector<GeneratedKey>> keys = node.custody().data_keys().Generate(
      CustodyNode::Device(owner.device()), owner.id(), UseReason::kAccess, {Context()});
  if (!keys.ok()) {
    return "";
  }
  const GeneratedKey& key = keys->front();
  plaintexts_[key.wrapped] = std::string(key.plaintext.RevealView(RevealKey::ForTest()));
  return key.wrapped;
}

bool CustodyWorld::Opens(CustodyNode& node, TestAccount& owner, const std::string& wrapped) {
  if (node.process().dead()) {
    return false;
  }
  const absl::StatusOr<std::vector<SecretBytes>> keys = node.custody().data_keys().Unwrap(
      CustodyNode::Device(owner.device()), owner.id(), UseReason::kAccess, {{Context(), wrapped}});
  return keys.ok() && keys->front().RevealView(RevealKey::ForTest()) == plaintexts_.at(wrapped);
}

absl::StatusOr<std::vector<Statement>> CustodyWorld::DeliverAsStorage(
    CustodyNode& node, const std::vector<Statement>& statements) {
  return node.custody().messenger().Deliver(node.Storage(), account.id(), statements);
}

absl::StatusOr<std::vector<Statement>> CustodyWorld::DeliverAsDevice(
    CustodyNode& node, const std::vector<Statement>& statements) {
  return node.custody().messenger().Deliver(CustodyNode::Device(account.device()), account.id(),
                                            statements);
}

Statement CustodyWorld::SignConsent() {
  return account.SignConsent(topology(), "CN", us.region(), 1, now());
}

void CustodyWorld::MoveAccount() {
  const Statement consent = SignConsent();
  COMITY_CHECK(DeliverAsDevice(us, {consent}).ok());
  const MoveEvidence evidence =
      SignMoveEvidence(deployment_, account.id(), 2, consent.digest(), now());
  COMITY_CHECK(DeliverAsStorage(us, evidence.All()).ok());
  COMITY_CHECK(cn.LoadAccount(account.id()).presence == Presence::kActive);
}

}  // namespace comity::custody
