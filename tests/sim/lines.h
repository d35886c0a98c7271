#ifndef COMITY_TESTS_SIM_LINES_H_
#define COMITY_TESTS_SIM_LINES_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/common/identity/authorization.h"
#include "services/custody/custody.h"
#include "services/storage/storage_node.h"
#include "tests/sim/kernel.h"

// Lines between machines: what each side asks of another one, carried by the kernel. Arguments are
// copied: a message may arrive when its sender is long dead.
namespace comity::sim {

class PeerStorageLine final : public storage::PeerStorage {
 public:
  using Node = std::function<storage::StorageNode*()>;
  // With `loses_copies` it claims to have copied what it did not (a planted weakness).
  PeerStorageLine(Kernel* kernel, Machine to, Node node, Authorization caller, bool loses_copies)
      : kernel_(kernel),
        to_(to),
        node_(std::move(node)),
        caller_(std::move(caller)),
        loses_copies_(loses_copies) {}

  absl::Status Prepare(const RegionId& region, const storage::PrepareCommand& command) override;
  absl::StatusOr<std::unique_ptr<storage::CopyStream>> Copy(const RegionId& region,
                                                            const AccountId& account,
                                                            AccountEpoch epoch,
                                                            bool urgent) override;
  absl::StatusOr<storage::ConfirmedManifest> Confirm(const RegionId& region,
                                                     const AccountId& account, AccountEpoch epoch,
                                                     const Statement& manifest,
                                                     const Statement& endorsement) override;
  absl::StatusOr<std::vector<Statement>> Deliver(const RegionId& region, const AccountId& account,
                                                 const std::vector<Statement>& statements) override;

 private:
  Kernel* const kernel_;
  const Machine to_;
  const Node node_;
  const Authorization caller_;
  const bool loses_copies_;
};

class OwnCustodyLine final : public storage::OwnCustody {
 public:
  using Node = std::function<custody::Custody*()>;
  OwnCustodyLine(Kernel* kernel, Machine to, Node node, Authorization caller)
      : kernel_(kernel), to_(to), node_(std::move(node)), caller_(std::move(caller)) {}
  absl::StatusOr<std::vector<Statement>> Deliver(const AccountId& account,
                                                 const std::vector<Statement>& statements) override;

 private:
  Kernel* const kernel_;
  const Machine to_;
  const Node node_;
  const Authorization caller_;
};

class PeerCustodyLine final : public custody::PeerCustody {
 public:
  using Node = std::function<custody::Custody*()>;
  // Told of each transport key that was offered, and of each that has served.
  using Offered = std::function<void(const Statement& transport_key)>;
  using Used = std::function<void(const Digest& transport_key)>;
  // With `swallows_aborts` it claims to have delivered aborts (a planted weakness).
  PeerCustodyLine(Kernel* kernel, Machine to, Node node, Authorization caller, bool swallows_aborts,
                  Offered offered, Used used)
      : kernel_(kernel),
        to_(to),
        node_(std::move(node)),
        caller_(std::move(caller)),
        swallows_aborts_(swallows_aborts),
        offered_(std::move(offered)),
        used_(std::move(used)) {}

  absl::StatusOr<custody::Endorsed> GetTransportKey(const RegionId& region,
                                                    const AccountId& account,
                                                    AccountEpoch epoch) override;
  absl::StatusOr<custody::Endorsed> ImportKeys(const RegionId& region,
                                               const custody::ImportCommand& command) override;
  absl::StatusOr<std::vector<Statement>> DeliverStatement(
      const RegionId& region, const AccountId& account,
      const std::vector<Statement>& statements) override;

 private:
  Kernel* const kernel_;
  const Machine to_;
  const Node node_;
  const Authorization caller_;
  const bool swallows_aborts_;
  const Offered offered_;
  const Used used_;
};

// What the devices and the machines' own threads begin.
inline Work ArrivalWork(std::string name) {
  return {std::move(name), kAccountLock | kArrivalLock, kArrivalLock};
}
inline Work AccountWork(std::string name) { return {std::move(name), kAccountLock, 0}; }
inline Work TurnWork(std::string name) { return {std::move(name), kTurn, kTurn}; }
inline Work FreeWork(std::string name) { return {std::move(name), 0, 0}; }

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_LINES_H_
