#include "services/custody/account_check.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "services/common/log/merkle.h"
#include "services/common/statement/leaf.h"
#include "services/custody/account_rules.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

constexpr size_t kSaltSize = 32;

// What the commitment "chain" of a lifecycle leaf hides.
std::string ChainValue(uint64_t number, const Digest& previous) {
  std::string value;
  for (int shift = 56; shift >= 0; shift -= 8) {
    value.push_back(static_cast<char>((number >> shift) & 0xff));
  }
  return value.append(previous.bytes());
}

class AccountCheck final {
 public:
  AccountCheck(const StoreCheck& check, const KeySealer* sealer, const Account& account,
               const StoredEvidence& evidence)
      : check_(check),
        sealer_(sealer),
        account_(account),
        evidence_(evidence),
        where_("account " + account.id.ToString()) {}

  void Run() {
    for (const std::string& key : evidence_.unreadable) {
      Wrong("record", "the record \"" + key + "\" does not decode, or belongs to nothing");
    }
    CheckLeaves();
    CheckActs();
    CheckKeys();
    CheckGrants();
    CheckDecisions();
    CheckMove();
  }

 private:
  void Wrong(std::string_view rule, std::string_view what) const {
    check_.report.Violation(rule, where_, what);
  }

  // Does the commitment `field` of an opened leaf hide this value?
  static bool Hides(const LeafOpening& opening, const Leaf& leaf, const std::string& field,
                    std::string_view value) {
    const auto salt = opening.salts.find(field);
    const auto commitment = leaf.commitments.find(field);
    return salt != opening.salts.end() && salt->second.size() == kSaltSize &&
           commitment != leaf.commitments.end() &&
           commitment->second == Commit(salt->second, leaf.type + "/" + field, value);
  }

  // The chain of lifecycle leaves: each is in the log, and none is missing in between.
  void CheckLeaves() const {
    Digest previous;
    for (uint64_t number = 1; number <= account_.leaves; ++number) {
      const auto found = evidence_.openings.find(number);
      if (found == evidence_.openings.end()) {
        Wrong("leaf", "the opening of its leaf " + std::to_string(number) + " is missing");
        return;
      }
      const LeafOpening& opening = found->second;
      check_.ExpectLeaf(opening.log_index, opening.leaf, where_);
      const absl::StatusOr<Leaf> leaf = DecodeLeaf(opening.leaf);
      if (!leaf.ok() || !Hides(opening, *leaf, "account", account_.id.bytes()) ||
          !Hides(opening, *leaf, "chain", ChainValue(number, previous))) {
        Wrong("leaf", "leaf " + std::to_string(number) + " is not the one that followed the last");
        return;
      }
      previous = merkle::LeafHash(opening.leaf);
    }
    if (previous != account_.last_leaf) Wrong("leaf", "its newest leaf is not the one it names");
    if (evidence_.openings.size() > account_.leaves) {
      Wrong("leaf", "there are openings of more leaves than it has");
    }
  }

  bool IsLogged(std::string_view type, const Digest& about) const {
    return std::ranges::any_of(evidence_.openings, [&](const auto& entry) {
      const absl::StatusOr<Leaf> leaf = DecodeLeaf(entry.second.leaf);
      return leaf.ok() && leaf->type == type &&
             Hides(entry.second, *leaf, "statement", about.bytes());
    });
  }

  void ExpectLogged(std::string_view type, const Statement& act) const {
    if (!IsLogged(type, act.digest())) {
      Wrong("leaf", "an act of this kind has no leaf in the log: " + std::string(type));
    }
  }

  void CheckActs() const {
    if (account_.activation.has_value()) {
      const absl::StatusOr<Parsed<Activation>> parsed =
          ParseStatement<Activation>(*account_.activation);
      const bool created = parsed.ok() && parsed->body.release == Digest();
      ExpectLogged(created ? kLeafCreated : kLeafActivation, *account_.activation);
    }
    if (account_.closing.has_value()) ExpectLogged(kLeafClosing, account_.closing->statement);
    if (account_.incoming.has_value()) ExpectLogged(kLeafImport, account_.incoming->receipt);
    if (account_.outgoing.has_value() && account_.outgoing->sent.has_value()) {
      ExpectLogged(kLeafExport, account_.outgoing->sent->statement);
    }
    for (const auto& [epoch, statement] : account_.destructions) {
      ExpectLogged(kLeafDestruction, statement);
    }
    for (const Statement& statement : account_.version_destructions) {
      ExpectLogged(kLeafVersionDestruction, statement);
    }
    for (const AnsweredChange& change : account_.changes) {
      const bool rotation = ParseStatement<KeyRotation>(change.statement).ok();
      ExpectLogged(rotation ? kLeafRotation : kLeafChange, change.statement);
    }
    for (const auto& [id, grant] : account_.grants) {
      ExpectLogged(kLeafGrant, grant.statement);
      if (grant.revocation.has_value()) ExpectLogged(kLeafGrantRevocation, *grant.revocation);
    }
    for (const LegalUse& use : evidence_.uses) {
      check_.ExpectReceipt(use.receipt, use.leaf,
                           where_ + ", authorisation " + use.authorisation.ToString());
    }
  }

  void CheckKeys() const {
    for (const KeyRecord& key : account_.keys) {
      const std::string name =
          "key version " + std::to_string(key.version) + " of epoch " + std::to_string(key.epoch);
      if (key.state == KeyState::kActive && account_.presence != Presence::kActive) {
        Wrong("key", name + " is active though the account is not served here");
      }
      if (key.state == KeyState::kInactive &&
          (!account_.incoming.has_value() || account_.incoming->epoch != key.epoch)) {
        Wrong("key", name + " waits for a release of a move that does not come");
      }
      if (key.exists() && account_.presence == Presence::kClosed) {
        Wrong("key", name + " exists though the account is closed");
      }
      if (sealer_ != nullptr && key.exists() &&
          !sealer_->OpenAccountKey(account_.id, key.epoch, key.version, key.sealed).ok()) {
        Wrong("key", name + " does not open under any root key that is there");
      }
    }
    for (const auto& [epoch, sealed] : account_.metadata_keys) {
      if (sealer_ != nullptr && !sealer_->OpenMetadataKey(account_.id, epoch, sealed).ok()) {
        Wrong("key", "the metadata key of epoch " + std::to_string(epoch) + " does not open");
      }
    }
    if (account_.presence == Presence::kActive) {
      if (NewestVersion(account_) == 0) Wrong("key", "it is served here without an active key");
      if (!account_.metadata_keys.contains(account_.epoch)) {
        Wrong("key", "it is served here without a metadata key");
      }
      if (!account_.activation.has_value()) Wrong("key", "it is served here without an activation");
    }
    if (account_.incoming.has_value() && !HoldsKeysOf(account_, account_.incoming->epoch)) {
      Wrong("key", "its keys are said to have arrived, and are not here");
    }
  }

  void CheckGrants() const {
    if (account_.grants.empty()) return;
    if (account_.presence != Presence::kActive || account_.closing.has_value()) {
      Wrong("grant", "others may use its key though it is not served here, or is closing");
    }
    if (!account_.chain.has_value()) {
      Wrong("grant", "it has grants and no devices");
      return;
    }
    for (const auto& [id, grant] : account_.grants) {
      // Of a device that may be revoked by now: whose signature it is, not whether it counts.
      const Device* signer = nullptr;
      for (const Device& device : account_.chain->devices()) {
        if (device.key.id() == grant.device) signer = &device;
      }
      if (signer == nullptr || !VerifySignedBy(grant.statement, signer->key).ok()) {
        Wrong("grant", "no device of it has signed the grant " + id.ToString());
      }
    }
  }

  void CheckDecisions() const {
    for (const auto& [epoch, decision] : evidence_.decisions) {
      ExpectLogged(decision.kind == DecisionKind::kReleased ? kLeafRelease : kLeafAbort,
                   decision.statement);
      if (epoch > account_.last_decided) {
        Wrong("decision", "epoch " + std::to_string(epoch) + " is decided, which it does not know");
      }
    }
    if (account_.last_decided != 0 && !evidence_.decisions.contains(account_.last_decided)) {
      Wrong("decision", "the decision record of epoch " + std::to_string(account_.last_decided) +
                            " is missing");
    }
    if (!account_.outgoing.has_value() || !account_.outgoing->decision.has_value()) return;
    const auto found = evidence_.decisions.find(account_.outgoing->epoch);
    if (found != evidence_.decisions.end() &&
        (found->second.kind != account_.outgoing->decision->kind ||
         found->second.statement.digest() != account_.outgoing->decision->statement.digest())) {
      Wrong("decision", "its move and its decision record say different things");
    }
  }

  void CheckMove() const {
    if (account_.presence != Presence::kReleased) return;
    if (!account_.released()) {
      Wrong("decision", "it is released without a decision");
      return;
    }
    const Outgoing& move = *account_.outgoing;
    CheckConsent(move);
    if (!move.receipt.has_value()) Wrong("decision", "it was released without a receipt");
    for (const std::optional<Statement>* const manifest :
         {&move.source_manifest, &move.destination_manifest}) {
      if (!manifest->has_value()) continue;
      const absl::StatusOr<Parsed<DataManifest>> parsed = ParseStatement<DataManifest>(**manifest);
      if (!parsed.ok() || parsed->body.root != move.manifest_root) {
        Wrong("decision", "it was released over manifests that differ");
      }
    }
    if (!HoldsKeysOf(account_, account_.epoch) && !move.activation.has_value()) {
      Wrong("destroyed-early",
            "its keys are destroyed and the destination's activation is unknown");
    }
  }

  void CheckConsent(const Outgoing& move) const {
    const Statement* const statement = FindStatement(account_, move.consent);
    if (statement == nullptr) {
      Wrong("consent", "it was released and the consent is not kept");
      return;
    }
    const absl::StatusOr<Parsed<Consent>> consent = ParseStatement<Consent>(*statement);
    if (!consent.ok() || consent->body.destination != move.destination ||
        !account_.chain.has_value()) {
      Wrong("consent", "it was released to " + move.destination.name() +
                           ", which the device did not consent to");
      return;
    }
    const std::optional<Placement> place = PlacementBefore(consent->body);
    if (!place.has_value() || place->resident() == move.keys_alone()) {
      Wrong("consent",
            "its keys were released without its data, or with it, and the device "
            "consented to the other");
    }
  }

  const StoreCheck& check_;
  const KeySealer* const sealer_;
  const Account& account_;
  const StoredEvidence& evidence_;
  const std::string where_;
};

}  // namespace

void CheckAccount(const StoreCheck& check, const KeySealer* sealer, const Account& account,
                  const StoredEvidence& evidence) {
  AccountCheck(check, sealer, account, evidence).Run();
}

}  // namespace comity::custody
