// What must hold in every state, and at the end of every path.
#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/custody/account_rules.h"
#include "services/storage/account_rules.h"
#include "tests/sim/world.h"

namespace comity::sim {
namespace {

// A path that takes longer than this after all trouble has ended does not end.
constexpr int kMaxSteps = 20'000;
constexpr int kMaxRounds = 60;
// After these everything is over that ends by time alone: the decision, the period for reading
// back, the consent.
constexpr int64_t kPeriods[] = {31 * kSecondMs, 31 * kDayMs, 61 * kDayMs};

bool HasEnabledKey(const custody::Account& account) {
  return std::ranges::any_of(account.keys, [](const custody::KeyRecord& key) {
    return key.state == custody::KeyState::kActive;
  });
}

bool HasKey(const custody::Account& account) {
  return std::ranges::any_of(account.keys,
                             [](const custody::KeyRecord& key) { return key.exists(); });
}

std::optional<std::string> Breach(std::string text) { return text; }

}  // namespace

bool World::Serves(StorageSide& side, const Owner& owner, storage::Access access) {
  return side.node->accounts().Owner(DeviceOf(owner), owner.account->id(), access).ok();
}

bool World::Opens(CustodySide& side, const Owner& owner) {
  const absl::StatusOr<std::vector<SecretBytes>> keys = side.custody->data_keys().Unwrap(
      DeviceOf(owner), owner.account->id(), custody::UseReason::kAccess, {*owner.wrap});
  return keys.ok() && keys->front().RevealView(RevealKey::ForTest()) == owner.plain;
}

std::optional<std::string> World::FindUnreadable(StorageSide& side, const Owner& owner) {
  const auto read = [&](const Object& object) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(
        const storage::OwnerAccess access,
        side.node->accounts().Owner(DeviceOf(owner), owner.account->id(), storage::Access::kRead));
    ASSIGN_OR_RETURN(const std::unique_ptr<storage::Download> download,
                     side.node->objects().Open(access, object.id, 0, 0));
    return download->Next();
  };
  for (const Object& object : owner.stored) {
    const absl::StatusOr<std::string> bytes = read(object);
    if (!bytes.ok() || *bytes != object.bytes) {
      return object.bytes + " was acknowledged and is not readable at " + side.region.name();
    }
  }
  return std::nullopt;
}

std::optional<std::string> World::FindBreach() {
  for (const Owner& owner : owners_) {
    if (std::optional<std::string> breach = FindBreachOf(owner)) return breach;
  }
  return std::nullopt;
}

std::optional<std::string> World::FindBreachOf(const Owner& owner) {
  using storage::Access;
  for (const Access access : {Access::kRead, Access::kWrite}) {
    if (Serves(us_, owner, access) && Serves(cn_, owner, access)) {
      return Breach("both sides serve the account");
    }
  }
  const custody::Account& source = Load(us_keys_, owner);
  const custody::Account& destination = Load(cn_keys_, owner);
  if ((HasEnabledKey(source) && HasEnabledKey(destination)) ||
      (Opens(us_keys_, owner) && Opens(cn_keys_, owner))) {
    return Breach("the key is active on both sides");
  }
  for (StorageSide* side : {&us_, &cn_}) {
    if (!Serves(*side, owner, Access::kRead)) continue;
    if (std::optional<std::string> unreadable = FindUnreadable(*side, owner)) return unreadable;
  }
  const storage::SnapshotPtr here = Load(us_, owner);
  const storage::SnapshotPtr there = Load(cn_, owner);
  if (!HasKey(source) && !HasEnabledKey(destination)) {
    return Breach("the keys were destroyed before the other side was active");
  }
  if ((!here->info.data_here || here->info.erasing.has_value()) &&
      (there == nullptr || there->info.state != storage::AccountState::kActive)) {
    return Breach("the data was destroyed before the other side was active");
  }
  if (Serves(cn_, owner, Access::kRead) && (!source.released() || !HasEnabledKey(destination))) {
    return Breach("the destination serves without release and activation");
  }
  const bool something_there = there != nullptr || destination.exists();
  if (!scenario_.consents && something_there) {
    return Breach("something moved without consent");
  }
  if (owner.withdrawn_at_custody && !owner.too_late && source.released()) {
    return Breach("released although the consent was taken back in time");
  }
  return std::nullopt;
}

bool World::RunAlone() {
  for (int i = 0; i < kMaxSteps; ++i) {
    if (kernel_.Quiet()) return true;
    const std::vector<Kernel::Choice> choices = kernel_.Choices();
    if (choices.empty() || choices.front().trouble) return false;
    kernel_.Apply(choices.front());
  }
  return false;
}

std::optional<std::string> World::FindBadEnd(const std::function<void(uint64_t)>& passed) {
  ending_ = true;
  kernel_.DropStrays();
  size_t period = 0;
  for (int round = 0; round < kMaxRounds; ++round) {
    const uint64_t before = LookAtDisks();
    std::vector<std::string> names;
    for (const Choice& choice : Choices()) {
      if (!choice.trouble) names.push_back(choice.text);
    }
    for (const std::string& name : names) {
      for (const Choice& choice : Choices()) {
        if (choice.text != name) continue;
        choice.apply();
        break;
      }
      if (!RunAlone()) return Breach("something waits for ever after " + name);
      if (std::optional<std::string> breach = FindBreach()) return breach;
      passed(LookAtDisks());
    }
    if (LookAtDisks() != before) continue;
    if (period < std::size(kPeriods)) {
      clock_.Advance(kPeriods[period++]);
      continue;
    }
    // Bytes that nothing refers to are swept by maintenance.
    clock_.Advance(5 * kDayMs);
    for (const Machine machine : {Machine::kUsStorage, Machine::kCnStorage}) {
      kernel_.Crash(machine);
      StorageOf(machine).node->Maintain([] { return false; });
    }
    for (const Owner& owner : owners_) {
      if (std::optional<std::string> bad = FindBadEndOf(owner)) return bad;
    }
    return std::nullopt;
  }
  return Breach("the move does not come to an end");
}

std::optional<std::string> World::FindRestedEnd() {
  ending_ = true;
  if (!RunAlone()) return Breach("something waits for ever");
  if (std::optional<std::string> breach = FindBreach()) return breach;
  return FindBadEnd([](uint64_t) {});
}

std::optional<std::string> World::FindBadEndOf(const Owner& owner) {
  using storage::Access;
  const custody::Account& source = Load(us_keys_, owner);
  const custody::Account& destination = Load(cn_keys_, owner);
  const storage::SnapshotPtr here = Load(us_, owner);
  const storage::SnapshotPtr there = Load(cn_, owner);
  const bool moved = source.released();
  if (here->move.has_value() && !here->move->finished) {
    return Breach("the move has not ended, at step " +
                  std::to_string(static_cast<int>(here->move->step)));
  }
  StorageSide& home = moved ? cn_ : us_;
  StorageSide& other = moved ? us_ : cn_;
  if (!Serves(home, owner, Access::kWrite)) return Breach("nobody serves the account");
  if (Serves(other, owner, Access::kRead)) return Breach("the other side serves the account");
  if (!Opens(moved ? cn_keys_ : us_keys_, owner)) return Breach("nobody opens the key");
  if (Opens(moved ? us_keys_ : cn_keys_, owner)) return Breach("the other side opens the key");
  if (HasKey(moved ? source : destination)) return Breach("keys are left on the other side");
  if (destination.incoming.has_value()) return Breach("keys wait at the destination for ever");
  if (std::optional<std::string> unreadable = FindUnreadable(home, owner)) return unreadable;
  if (moved ? here->info.data_here
            : there != nullptr && (there->info.data_here || there->incoming.has_value())) {
    return Breach("data is left on the other side");
  }
  const auto blobs =
      other.blob_disk.List(storage::BlobFolder(owner.account->id()), "", kMaxBlobPageEntries);
  if (!blobs.ok() || !blobs->empty()) return Breach("ciphertext is left on the other side");
  return std::nullopt;
}

}  // namespace comity::sim
