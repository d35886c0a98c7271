// What may happen next, and what a state is.
#include <algorithm>
#include <utility>

#include "services/common/statement/custody.h"
#include "services/common/status/check.h"
#include "services/custody/agenda.h"
#include "tests/sim/lines.h"
#include "tests/sim/world.h"

namespace comity::sim {
namespace {

constexpr int64_t kJump = custody::kDecisionPeriodMs + kSecondMs;

std::string Numbered(std::string_view name, size_t index) {
  return std::string(name) + " " + std::to_string(index);
}

}  // namespace

std::vector<World::Choice> World::Choices() {
  std::vector<Choice> choices;
  std::vector<Choice> trouble;
  for (Kernel::Choice& choice : kernel_.Choices()) {
    (choice.trouble ? trouble : choices)
        .push_back({choice.text, choice.trouble, [this, choice] { kernel_.Apply(choice); },
                    [this, choice] { return StateAfter(choice); }});
  }
  std::vector<Choice> roots;
  AddRoots(roots);
  for (Choice& root : roots) {
    // While others are at work, whoever begins besides them is a disturbance.
    root.trouble = root.trouble || !kernel_.Quiet();
    (root.trouble ? trouble : choices).push_back(std::move(root));
  }
  std::ranges::move(trouble, std::back_inserter(choices));
  return choices;
}

std::optional<uint64_t> World::StateAfter(const Kernel::Choice& choice) {
  // A disk with a planted weakness loses something when its machine dies.
  if (scenario_.plant != Plant::kNone) return std::nullopt;
  const std::optional<uint64_t> kernel = kernel_.LookAfter(choice);
  if (!kernel.has_value()) return std::nullopt;
  const bool loses_keys = choice.kind == Kernel::Choice::Kind::kCrash &&
                          static_cast<Machine>(choice.id) == Machine::kCnCustody;
  return Mix(LookAtDisks(!loses_keys), *kernel);
}

void World::AddRoot(Machine machine, Work work, bool trouble, std::function<void()> body,
                    std::vector<Choice>& choices) {
  if (kernel_.roots() >= kernel_.limits().roots || !kernel_.MayBegin(machine, work) ||
      kernel_.IsRunning(machine, work.name)) {
    return;
  }
  const std::string text = "begin " + work.name;
  choices.push_back(
      {text, trouble, [this, machine, work = std::move(work), body = std::move(body)] {
         kernel_.Begin(machine, work, body);
       }});
}

void World::AddRoots(std::vector<Choice>& choices) {
  for (size_t i = 0; i < owners_.size(); ++i) AddRootsOf(i, choices);
  for (const Machine machine : {Machine::kUsCustody, Machine::kCnCustody}) {
    CustodySide& side = CustodyOf(machine);
    const bool due = std::ranges::any_of(owners_, [&](const Owner& owner) {
      const auto next =
          custody::NextDue(Load(side, owner), deployment_.topology(), side.region, clock_.Now());
      return next.has_value() && *next <= clock_.Now();
    });
    if (!due) continue;
    AddRoot(
        machine, TurnWork("Tick of " + side.region.name()), false,
        [&side] {
          // What was put off for a second is due again.
          COMITY_CHECK(side.custody->Start().ok());
          side.custody->Tick([] { return false; });
        },
        choices);
  }
  if (jumps_left_ > 0) {
    choices.push_back({"31 s pass", true, [this] {
                         --jumps_left_;
                         clock_.Advance(kJump);
                       }});
  }
}

void World::AddRootsOf(size_t index, std::vector<Choice>& choices) {
  Owner& owner = owners_[index];
  const AccountId id = owner.account->id();
  const storage::SnapshotPtr here = Load(us_, owner);
  const bool moving = here != nullptr && here->move.has_value() && !here->move->finished;
  if (moving) {
    AddRoot(
        Machine::kUsStorage, AccountWork(Numbered("Advance", index)), false,
        [this, id] { us_.node->AdvanceMove(id); }, choices);
  }
  const std::vector<AccountId> due = cn_.node->index().Due(clock_.Now());
  if (std::ranges::find(due, id) != due.end()) {
    AddRoot(
        Machine::kCnStorage, ArrivalWork(Numbered("Attend", index)), false,
        [this, id] { cn_.node->deliveries().Attend(id).IgnoreError(); }, choices);
  }
  if (scenario_.reads_back && !owner.read_back && ReleasedRoot(owner).has_value() &&
      Serves(cn_, owner, storage::Access::kRead)) {
    AddRoot(
        Machine::kUsStorage, ArrivalWork(Numbered("Read-back", index)), false,
        [this, &owner] { ReadBackThere(owner); }, choices);
  }
  if (scenario_.puts && !owner.put && !ending_) {
    AddRoot(
        Machine::kUsStorage, AccountWork(Numbered("Put", index)), true,
        [this, &owner] { Put(owner); }, choices);
  }
  if (owner.withdrawal.has_value() && !ending_) {
    if (!owner.withdrawn_at_storage) {
      AddRoot(
          Machine::kUsStorage, ArrivalWork(Numbered("Withdraw at storage", index)), true,
          [this, &owner] { Withdraw(owner, Machine::kUsStorage); }, choices);
    }
    if (!owner.withdrawn_at_custody) {
      AddRoot(
          Machine::kUsCustody, FreeWork(Numbered("Withdraw at custody", index)), true,
          [this, &owner] { Withdraw(owner, Machine::kUsCustody); }, choices);
    }
  }
  if (here != nullptr && here->move.has_value() && here->move->finished &&
      here->move->step == storage::MoveStep::kAborted && owner.attempts < scenario_.attempts) {
    AddRoot(
        Machine::kUsStorage, AccountWork(Numbered("Enrol", index)), false,
        [this, &owner] { Enrol(owner); }, choices);
  }
}

void World::Withdraw(Owner& owner, Machine machine) {
  const AccountId& id = owner.account->id();
  if (machine == Machine::kUsStorage) {
    const auto taken = us_.node->deliveries().Deliver(DeviceOf(owner), id, {*owner.withdrawal});
    owner.withdrawn_at_storage = taken.ok();
    return;
  }
  const auto taken =
      us_keys_.custody->messenger().Deliver(DeviceOf(owner), id, {*owner.withdrawal});
  owner.withdrawn_at_custody = taken.ok();
  owner.too_late = taken.ok() && Load(us_keys_, owner).released();
}

std::optional<Digest> World::ReleasedRoot(const Owner& owner) {
  const storage::SnapshotPtr there = Load(cn_, owner);
  if (there == nullptr) return std::nullopt;
  for (const Statement& statement : there->history) {
    const auto release = ParseStatement<Release>(statement);
    if (release.ok()) return release->body.manifest_root;
  }
  return std::nullopt;
}

void World::ReadBackThere(Owner& owner) {
  const custody::Account& keys = Load(cn_keys_, owner);
  const Statement statement =
      owner.account->Sign(ReadBack{keys.epoch, cn_.region, *ReleasedRoot(owner)}, clock_.Now());
  const auto taken =
      us_.node->deliveries().Deliver(DeviceOf(owner), owner.account->id(), {statement});
  owner.read_back = taken.ok();
}

const Tokens& World::TokensOf(Machine machine) {
  Cached& cached = cached_[static_cast<size_t>(machine)];
  const bool storages = machine == Machine::kUsStorage || machine == Machine::kCnStorage;
  const uint64_t at =
      storages ? StorageOf(machine).disk.applied() : CustodyOf(machine).disk.applied();
  if (cached.at == at) return cached.tokens;
  cached.at = at;
  cached.tokens.clear();
  for (const Owner& owner : owners_) {
    if (storages) {
      StorageSide& side = StorageOf(machine);
      const storage::SnapshotPtr account = Load(side, owner);
      reader_.AddStorage(account.get(), side.objects, side.blob_disk, cached.tokens);
    } else {
      reader_.AddCustody(Load(CustodyOf(machine), owner), cached.tokens);
    }
  }
  return cached.tokens;
}

uint64_t World::HashKeys(Namer& namer) {
  // Only keys that somebody refers to can ever be used.
  std::vector<uint64_t> live;
  for (const auto& [digest, expiry] : offered_) {
    if (namer.Knows(digest) && expiry > clock_.Now()) live.push_back(namer.NameOf(digest));
  }
  std::ranges::sort(live);
  uint64_t hash = live.size();
  for (const uint64_t name : live) hash = Mix(hash, name);
  return hash;
}

uint64_t World::Look(Machine machine) {
  Namer namer;
  return Mix(namer.Hash(TokensOf(machine)), static_cast<uint64_t>(clock_.Now()));
}

uint64_t World::LookAtDisks(bool with_keys) {
  Namer namer;
  uint64_t hash = static_cast<uint64_t>(clock_.Now());
  for (const Machine machine : kAllMachines) hash = Mix(hash, namer.Hash(TokensOf(machine)));
  hash = Mix(hash, with_keys ? HashKeys(namer) : 0);
  for (const Owner& owner : owners_) {
    hash =
        Mix(hash, uint64_t{owner.put} + 2 * uint64_t{owner.withdrawn_at_storage} +
                      4 * uint64_t{owner.withdrawn_at_custody} + 8 * uint64_t{owner.too_late} +
                      16 * uint64_t{owner.read_back} + 32 * static_cast<uint64_t>(owner.attempts));
  }
  return Mix(hash, static_cast<uint64_t>(jumps_left_));
}

uint64_t World::Look() { return Mix(LookAtDisks(), kernel_.Look()); }

}  // namespace comity::sim
