#include "tests/testing/rotatable_seal.h"

#include <optional>
#include <utility>

#include "services/common/files/files.h"
#include "services/common/seal/shamir.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/custody/keyfile_seal.h"
#include "services/custody/pkcs11_seal.h"
#include "services/custody/shamir_seal.h"
#include "services/custody/stored_root_mark.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

const std::vector<std::string> kPersons = {"ops-evans", "ops-fox", "ops-grant"};

// Writing is a contact of the process with its disk, as a commit is.
class MortalSeal final : public Seal {
 public:
  MortalSeal(std::unique_ptr<Seal> seal, MortalProcess* process)
      : seal_(std::move(seal)), process_(process) {}
  std::string description() const override { return seal_->description(); }
  absl::StatusOr<SecretBytes> OpenRoot() override { return seal_->OpenRoot(); }
  bool starts_sealed() const override { return seal_->starts_sealed(); }
  SealTrouble trouble() const override { return seal_->trouble(); }
  bool opened_by_people() const override { return seal_->opened_by_people(); }
  absl::StatusOr<std::optional<SecretBytes>> Enter(std::string_view person,
                                                   const SecretBytes& share,
                                                   UnixMillis now) override {
    return seal_->Enter(person, share, now);
  }
  void Forget() override { seal_->Forget(); }
  std::vector<ShareState> Shares() const override { return seal_->Shares(); }
  uint32_t shares_needed() const override { return seal_->shares_needed(); }
  std::string share_set() const override { return seal_->share_set(); }
  absl::StatusOr<std::string> ring() const override { return seal_->ring(); }
  absl::Status KeepRing(const std::string& ring) override {
    return process_->Contact([&] { return seal_->KeepRing(ring); });
  }
  absl::StatusOr<std::optional<SecretBytes>> EnterToRotate(std::string_view person,
                                                           const SecretBytes& share,
                                                           UnixMillis now) override {
    return seal_->EnterToRotate(person, share, now);
  }
  absl::Status Prepare(const SecretBytes& root, const std::string& ring) override {
    return seal_->Prepare(root, ring);
  }
  absl::Status Replace(const SecretBytes& root, const std::string& ring) override {
    return process_->Contact([&] { return seal_->Replace(root, ring); });
  }
  absl::Status Deal(const SecretBytes& root, const std::string& ring) override {
    return seal_->Deal(root, ring);
  }
  absl::StatusOr<SecretBytes> TakeShare(std::string_view person) override {
    return seal_->TakeShare(person);
  }
  absl::StatusOr<Confirmation> Confirm(std::string_view person, const SecretBytes& share,
                                       UnixMillis now) override {
    return seal_->Confirm(person, share, now);
  }
  absl::Status CutOver() override {
    return process_->Contact([&] { return seal_->CutOver(); });
  }
  void ForgetNext() override { seal_->ForgetNext(); }
  std::vector<ShareState> Dealt() const override { return seal_->Dealt(); }
  uint32_t shares_to_rotate() const override { return seal_->shares_to_rotate(); }
  bool committee_differs() const override { return seal_->committee_differs(); }

 private:
  const std::unique_ptr<Seal> seal_;
  MortalProcess* const process_;
};

}  // namespace

RotatableSeal::RotatableSeal(CustodyWorld* world, CustodyNode* node, Kind kind,
                             const SecretBytes& root, std::vector<std::string> next,
                             size_t next_threshold)
    : world_(world),
      node_(node),
      kind_(kind),
      next_(std::move(next)),
      next_threshold_(next_threshold),
      token_(kind == Kind::kToken ? std::make_unique<SoftToken>() : nullptr) {
  if (kind_ == Kind::kShamir) {
    absl::StatusOr<NewSeal> split =
        SplitRoot(root, world_->topology().deployment(), node_->region(), 2, kPersons);
    COMITY_CHECK(split.ok());
    record_ = std::move(split->record);
    for (size_t i = 0; i < kPersons.size(); ++i) {
      held_.emplace(kPersons[i], EncodeSealShare(split->shares[i]));
    }
  } else {
    COMITY_CHECK(MakePrivateFolders(directory() + "/identity").ok());
    if (token_ != nullptr) token_->AddKey("root-wrapping");
    const std::unique_ptr<Seal> seal =
        token_ != nullptr ? MakeTokenSeal() : std::make_unique<KeyfileSeal>(KeyFile());
    COMITY_CHECK(seal->Prepare(root, "").ok());
    COMITY_CHECK(seal->Replace(root, "").ok());
  }
  node_->UseSeal([this] { return Make(); });
  Open();
}

std::unique_ptr<Seal> RotatableSeal::MakeTokenSeal() const {
  return std::make_unique<Pkcs11Seal>(
      Pkcs11Seal::Options{.deployment = world_->topology().deployment(),
                          .region = node_->region(),
                          .operator_name = "apple",
                          .labels = {"custody-us", "root-wrapping"},
                          .record = directory() + "/identity/wrapped-root",
                          .module = SoftToken::Module(),
                          .pin_file = token_->pin_file(),
                          .mark = std::make_unique<StoredRootMark>(&node_->records())});
}

std::unique_ptr<Seal> RotatableSeal::Make() {
  std::unique_ptr<Seal> seal;
  if (kind_ == Kind::kShamir) {
    seal = std::make_unique<ShamirSeal>(record_, Committee{next_threshold_, next_},
                                        [this](const SealRecord& record) {
                                          record_ = record;
                                          return absl::OkStatus();
                                        });
  } else if (kind_ == Kind::kToken) {
    seal = MakeTokenSeal();
  } else {
    seal = std::make_unique<KeyfileSeal>(KeyFile());
  }
  return std::make_unique<MortalSeal>(std::move(seal), &node_->process());
}

Authorization RotatableSeal::Person(std::string_view name) {
  return UnsafeAuthorizationForTest::OperatorPerson(
      "us", "apple", name, PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key());
}

void RotatableSeal::Open() {
  if (kind_ != Kind::kShamir && state().sealed) {
    (void)vault().Enter(Person("ops-evans"), SecretBytes());
  }
  for (const auto& [person, share] : held_) {
    if (!state().sealed) return;
    (void)vault().Enter(Person(person), share);
  }
}

absl::Status RotatableSeal::Begin() {
  if (kind_ != Kind::kShamir) {
    return vault().Rotate(Person("ops-evans"), SecretBytes()).status();
  }
  uint32_t missing = state().needed;
  for (const auto& [person, share] : held_) {
    if (missing-- == 0) break;
    RETURN_IF_ERROR(vault().Rotate(Person(person), share).status());
  }
  return absl::OkStatus();
}

absl::Status RotatableSeal::Take(const std::string& person) {
  ASSIGN_OR_RETURN(SecretBytes share, vault().TakeShare(Person(person)));
  taken_.insert_or_assign(person, share.Clone());
  return vault().Enter(Person(person), share).status();
}

absl::Status RotatableSeal::TakeAll() {
  for (const ShareState& holder : state().dealt) RETURN_IF_ERROR(Take(holder.person));
  return absl::OkStatus();
}

absl::Status RotatableSeal::Rotate() {
  RETURN_IF_ERROR(Begin());
  const absl::Status taken = TakeAll();
  Settle();
  return taken;
}

void RotatableSeal::Settle() {
  if (taken_.empty()) return;
  const absl::StatusOr<SealShare> share = DecodeSealShare(taken_.begin()->second);
  COMITY_CHECK(share.ok());
  if (share->set.bytes() != state().share_set) return;
  held_ = std::move(taken_);
  taken_.clear();
}

void RotatableSeal::Finish() {
  for (int i = 0; i < 8 && state().resealing; ++i) {
    node_->Tick();
    world_->clock.Advance(kSecondMs);
  }
}

SecretBytes RotatableSeal::DealtRoot() const {
  std::vector<ShamirShare> shares;
  for (const auto& [person, bytes] : taken_.empty() ? held_ : taken_) {
    absl::StatusOr<SealShare> share = DecodeSealShare(bytes);
    COMITY_CHECK(share.ok());
    shares.push_back({share->index, std::move(share->value)});
  }
  return CombineShares(shares).value();
}

bool OpensUnder(CustodyNode& node, const AccountId& id, const SecretBytes& root) {
  const KeySealer sealer(RootKey::Create(root.Clone(), node.region()).value(),
                         SharedDeployment().topology().deployment(), node.region());
  const Account account = node.LoadAccount(id);
  bool opens = true;
  for (const KeyRecord& key : account.keys) {
    opens = opens && sealer.OpenAccountKey(id, key.epoch, key.version, key.sealed).ok();
  }
  for (const auto& [epoch, sealed] : account.metadata_keys) {
    opens = opens && sealer.OpenMetadataKey(id, epoch, sealed).ok();
  }
  return opens;
}

}  // namespace comity::custody
