#include "services/storage/storage_node.h"

#include <chrono>
#include <map>
#include <utility>
#include <vector>

#include "services/common/status/macros.h"
#include "services/storage/account_leaves.h"
#include "services/storage/eraser.h"
#include "services/storage/mover_pool.h"
#include "services/storage/notifier.h"
#include "services/storage/stored_account_store.h"
#include "services/storage/stored_legal_store.h"
#include "services/storage/stored_migration_store.h"
#include "services/storage/stored_object_store.h"
#include "services/storage/sweeper.h"

namespace comity::storage {
namespace {

using Steady = std::chrono::steady_clock;

// How long an account that was attended to is left alone.
constexpr std::chrono::seconds kAttendPause{2};
// A sweep of all accounts; of every such many it also looks for orphans.
constexpr std::chrono::minutes kSweepPause{10};
constexpr int kSweepsPerOrphanSweep = 144;
constexpr size_t kSweptPerTick = 64;

}  // namespace

struct StorageNode::Impl {
  Impl(const Ports& ports, size_t task_threads)
      : tasks(task_threads == 0 ? nullptr : std::make_unique<TaskPool>(task_threads)),
        leaves(ports.region, ports.log, ports.clock),
        site{ports.topology, ports.region, ports.clock, ports.signer, &leaves, tasks.get()},
        account_store(ports.records),
        object_store(ports.records),
        legal_store(ports.records, ports.blobs),
        migration_store(ports.records),
        index(site),
        eraser(site, &account_store, &object_store, ports.blobs),
        accounts(site, &account_store, &object_store),
        objects(site, &accounts, &account_store, &object_store, ports.blobs),
        incoming(site, &account_store, &object_store, ports.blobs, &eraser),
        mover(site, &account_store, &object_store, ports.blobs, &eraser, ports.peer, ports.custody),
        deliveries(site, &account_store, &incoming, &eraser, ports.custody,
                   [this](const AccountId& account) { Wake(account); }),
        legal_uses(site, ports.roster, &account_store, &object_store, &legal_store, ports.blobs,
                   ports.log),
        migrations(site, &migration_store, &index, &mover,
                   [this](const AccountId& account) { Wake(account); }),
        notifier(site, &index, &account_store),
        sweeper(site, &account_store, &object_store, &legal_store, ports.blobs, ports.real_time) {}

  void Wake(const AccountId& account) {
    if (pool != nullptr) pool->Enqueue(account);
  }

  void AttendDue(const std::function<bool()>& stop);
  void SweepSome(const std::function<bool()>& stop);

  const std::unique_ptr<TaskPool> tasks;  // first: everything below gives it work
  AccountLeaves leaves;
  Site site;
  StoredAccountStore account_store;
  StoredObjectStore object_store;
  StoredLegalStore legal_store;
  StoredMigrationStore migration_store;
  AccountIndex index;
  Eraser eraser;
  Accounts accounts;
  Objects objects;
  Incoming incoming;
  Mover mover;
  Deliveries deliveries;
  LegalUses legal_uses;
  Migrations migrations;
  Notifier notifier;
  Sweeper sweeper;

  // Of the maintenance thread alone.
  std::map<AccountId, Steady::time_point> attended;
  std::optional<AccountId> swept;
  Steady::time_point next_sweep = Steady::now();
  int sweeps = 0;
  bool maintain_moves = false;

  std::unique_ptr<MoverPool> pool;  // last: its threads use everything above
};

StorageNode::StorageNode() = default;
StorageNode::~StorageNode() = default;

absl::StatusOr<std::unique_ptr<StorageNode>> StorageNode::Create(const Ports& ports,
                                                                 const Options& options) {
  std::unique_ptr<StorageNode> node(new StorageNode());
  node->impl_ = std::make_unique<Impl>(ports, options.task_threads);
  Impl& impl = *node->impl_;
  impl.maintain_moves = options.maintain_moves;
  RETURN_IF_ERROR(impl.index.Load(impl.account_store));
  impl.account_store.SetObserver([&impl](const AccountId& account, const SnapshotPtr& snapshot) {
    impl.index.Update(account, snapshot);
  });
  if (options.mover_threads > 0) {
    impl.pool = std::make_unique<MoverPool>(
        [&impl](const AccountId& account) { return impl.mover.Advance(account); },
        MoverPool::Options{.threads = options.mover_threads});
    for (const AccountId& account : impl.index.Moving()) impl.pool->Enqueue(account);
  }
  return node;
}

Accounts& StorageNode::accounts() { return impl_->accounts; }
Objects& StorageNode::objects() { return impl_->objects; }
Deliveries& StorageNode::deliveries() { return impl_->deliveries; }
Incoming& StorageNode::incoming() { return impl_->incoming; }
LegalUses& StorageNode::legal_uses() { return impl_->legal_uses; }
Migrations& StorageNode::migrations() { return impl_->migrations; }
const AccountIndex& StorageNode::index() const { return impl_->index; }

Progress StorageNode::AdvanceMove(const AccountId& account) {
  return impl_->mover.Advance(account);
}

absl::StatusOr<SnapshotPtr> StorageNode::Load(const AccountId& account) {
  return impl_->account_store.Load(account);
}

void StorageNode::Maintain(const std::function<bool()>& stop) {
  // Each part tries again at the next tick what it could not do at this one.
  impl_->notifier.Tick(stop).IgnoreError();
  if (stop()) return;
  impl_->migrations.EnrolAll().IgnoreError();
  impl_->AttendDue(stop);
  if (impl_->maintain_moves) {
    for (const AccountId& account : impl_->index.Moving()) {
      if (stop()) return;
      impl_->mover.Advance(account);
    }
  }
  impl_->SweepSome(stop);
}

void StorageNode::Impl::AttendDue(const std::function<bool()>& stop) {
  const Steady::time_point now = Steady::now();
  std::erase_if(attended, [&](const auto& entry) { return entry.second <= now; });
  for (const AccountId& account : index.Due(site.Now())) {
    if (stop()) return;
    if (!attended.emplace(account, now + kAttendPause).second) continue;
    const absl::StatusOr<SnapshotPtr> snapshot = account_store.Load(account);
    if (!snapshot.ok() || *snapshot == nullptr) continue;
    if ((*snapshot)->info.state == AccountState::kMoved && !(*snapshot)->incoming.has_value()) {
      Wake(account);
    } else {
      deliveries.Attend(account).IgnoreError();
    }
  }
}

void StorageNode::Impl::SweepSome(const std::function<bool()>& stop) {
  if (Steady::now() < next_sweep) return;
  const std::vector<AccountId> page = index.After(swept, kSweptPerTick);
  for (const AccountId& account : page) {
    if (stop()) return;
    sweeper.Sweep(account).IgnoreError();
    if (sweeps % kSweepsPerOrphanSweep == 0) sweeper.SweepOrphans(account).IgnoreError();
    swept = account;
  }
  if (page.size() < kSweptPerTick) {
    swept.reset();
    ++sweeps;
    next_sweep = Steady::now() + kSweepPause;
  }
}

}  // namespace comity::storage
