#include "services/storage/account_check.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "services/common/crypto/digest.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/fields.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_leaves.h"
#include "services/storage/stored_legal_store.h"

namespace comity::storage {
namespace {

class AccountCheck final {
 public:
  AccountCheck(const StoreCheck& check, const AccountSnapshot& account,
               const StoredEvidence& evidence, const CheckedObjects& objects)
      : check_(check),
        account_(account),
        evidence_(evidence),
        objects_(objects),
        where_("account " + account.account.ToString()) {}

  absl::Status Run() const {
    for (const std::string& key : evidence_.unreadable) {
      Wrong("record", "the record \"" + key + "\" does not decode, or belongs to nothing");
    }
    if (account_.history.size() != account_.info.statements) {
      Wrong("lost", "it counts " + std::to_string(account_.info.statements) +
                        " statements and holds " + std::to_string(account_.history.size()));
    }
    if (account_.chain() == nullptr) Wrong("record", "its device chain does not verify");
    CheckLeaves();
    CheckActs();
    CheckMove();
    CheckArrival();
    CheckErasure();
    return CheckUses();
  }

 private:
  void Wrong(std::string_view rule, std::string_view what) const {
    check_.report.Violation(rule, where_, what);
  }

  // What leaves of this account may be about.
  std::vector<Digest> Subjects() const {
    std::vector<Digest> subjects = {Digest()};
    for (const Statement& statement : account_.history) subjects.push_back(statement.digest());
    for (const Statement& entry : account_.chain_entries) subjects.push_back(entry.digest());
    return subjects;
  }

  void CheckLeaves() const {
    const std::vector<Digest> subjects = Subjects();
    Digest previous;
    for (uint64_t number = 0; number < account_.info.leaves; ++number) {
      const auto found = evidence_.openings.find(number);
      if (found == evidence_.openings.end()) {
        Wrong("leaf", "the opening of its leaf " + std::to_string(number) + " is missing");
        return;
      }
      const LeafOpening& opening = found->second;
      check_.ExpectLeaf(opening.index, opening.leaf, where_);
      const absl::StatusOr<Leaf> leaf = DecodeLeaf(opening.leaf);
      const bool opens = leaf.ok() && std::ranges::any_of(subjects, [&](const Digest& about) {
                           const AccountEvent event{account_.account, number, previous, about};
                           return Opens(*leaf, opening.salt, EncodeRecord(event));
                         });
      if (!opens) {
        Wrong("leaf", "leaf " + std::to_string(number) + " is not the one that followed the last");
        return;
      }
      previous = Sha256Digest(opening.leaf);
    }
    if (evidence_.openings.size() > account_.info.leaves) {
      Wrong("leaf", "there are openings of more leaves than it has");
    }
  }

  static bool Opens(const Leaf& leaf, const std::string& salt, const std::string& event) {
    const auto commitment = leaf.commitments.find("event");
    return salt.size() == Digest::kSize && commitment != leaf.commitments.end() &&
           commitment->second == Commit(salt, leaf.type + "/event", event);
  }

  void ExpectLogged(std::string_view type) const {
    const bool logged = std::ranges::any_of(evidence_.openings, [&](const auto& entry) {
      const absl::StatusOr<Leaf> leaf = DecodeLeaf(entry.second.leaf);
      return leaf.ok() && leaf->type == type;
    });
    if (!logged) Wrong("leaf", "an act of this kind has no leaf in the log: " + std::string(type));
  }

  void CheckActs() const {
    switch (account_.info.state) {
      case AccountState::kActive:
        ExpectLogged(account_.info.epoch == 1 ? "account.created" : "account.activated");
        break;
      case AccountState::kIncoming:
        ExpectLogged("account.incoming");
        break;
      case AccountState::kMoved:
        ExpectLogged("account.moved");
        break;
      case AccountState::kClosed:
        ExpectLogged("account.closed");
        break;
    }
    if (account_.fence.has_value()) ExpectLogged("data.fence");
    if (!account_.info.data_here) ExpectLogged("data.destruction");
  }

  // The newest statement of a kind about an epoch.
  template <typename Body>
  std::optional<Parsed<Body>> Find(AccountEpoch epoch, const RegionId* region = nullptr) const {
    for (auto it = account_.history.rbegin(); it != account_.history.rend(); ++it) {
      absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(*it);
      if (parsed.ok() && parsed->body.epoch == epoch &&
          (region == nullptr || parsed->envelope.region == region->name())) {
        return *std::move(parsed);
      }
    }
    return std::nullopt;
  }

  void CheckMove() const {
    if (account_.move.has_value()) {
      const MoveRecord& move = *account_.move;
      if (move.step >= MoveStep::kPrepared && !account_.view.Has(move.consent)) {
        Wrong("consent", "it moves without the consent that its move names");
      }
    }
    if (account_.info.state != AccountState::kMoved) return;
    const AccountEpoch epoch = account_.info.epoch;
    if (!Find<Release>(epoch).has_value() || !Find<Activation>(epoch).has_value()) {
      Wrong("half-done", "it is said to have moved, and release and activation are not kept");
    }
    const auto manifest = Find<DataManifest>(epoch, &check_.region);
    const bool untouched = account_.info.data_here && !account_.info.erasing.has_value() &&
                           !account_.incoming.has_value();
    if (manifest.has_value() && untouched && manifest->body.root != objects_.root) {
      Wrong("lost", "its copy here is not the one of the manifest that was signed");
    }
  }

  void CheckArrival() const {
    if (!account_.incoming.has_value()) {
      if (account_.info.state == AccountState::kIncoming) {
        Wrong("half-done", "it arrives by no move");
      }
      return;
    }
    const IncomingRecord& incoming = *account_.incoming;
    if (!account_.view.Has(incoming.consent)) {
      Wrong("consent", "it arrives without the consent that its move names");
    }
    if (account_.info.state == AccountState::kActive) {
      Wrong("one-side", "it is served here and arrives here");
    }
    if (incoming.confirmed_root.has_value() && !incoming.void_consent &&
        *incoming.confirmed_root != objects_.root) {
      Wrong("lost", "what has arrived is not what this storage signed for");
    }
  }

  void CheckErasure() const {
    if (account_.info.data_here) return;
    if (!objects_.records.empty()) Wrong("half-done", "objects are left of an erased account");
    if (account_.info.state == AccountState::kActive) {
      Wrong("lost", "it is served here and its objects were erased");
    }
  }

  absl::Status CheckUses() const {
    StoredLegalStore store(&check_.records, &check_.blobs);
    for (const StoredUse& use : evidence_.uses) {
      const std::string where = where_ + ", authorisation " + use.authorisation;
      check_.ExpectLeaf(use.opening.index, use.opening.leaf, where);
      // Answers go with the account's data.
      if (!account_.info.data_here || account_.info.erasing.has_value()) continue;
      const absl::StatusOr<Digest> authorisation = Digest::Parse(use.authorisation);
      if (!authorisation.ok()) {
        check_.report.Violation("record", where, "it is no digest");
        continue;
      }
      const auto found = store.Find(account_.account, *authorisation);
      if (ReasonOf(found.status()) == Reason::kDataCorrupt) {
        check_.report.Violation("legal", where, "its answer is missing or other than it was");
        continue;
      }
      RETURN_IF_ERROR(found.status());
      check_.ExpectReceipt((*found)->answer.receipt, (*found)->answer.leaf, where);
    }
    return absl::OkStatus();
  }

  const StoreCheck& check_;
  const AccountSnapshot& account_;
  const StoredEvidence& evidence_;
  const CheckedObjects& objects_;
  const std::string where_;
};

}  // namespace

absl::Status CheckAccount(const StoreCheck& check, const AccountSnapshot& account,
                          const StoredEvidence& evidence, const CheckedObjects& objects) {
  return AccountCheck(check, account, evidence, objects).Run();
}

}  // namespace comity::storage
