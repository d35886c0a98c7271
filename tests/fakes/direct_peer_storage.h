#ifndef COMITY_TESTS_FAKES_DIRECT_PEER_STORAGE_H_
#define COMITY_TESTS_FAKES_DIRECT_PEER_STORAGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "services/common/identity/authorization.h"
#include "services/storage/peer_storage.h"
#include "services/storage/storage_node.h"

namespace comity::storage {

// A line between two storages in one process: every call reaches the other one's domain. It can be
// cut, and it can lose requests and answers and deliver twice, at random from a seed.
class DirectPeerStorage final : public PeerStorage {
 public:
  // `node` gives the other side, or null while that is down.
  using Node = std::function<StorageNode*()>;
  DirectPeerStorage(Node node, Authorization caller)
      : node_(std::move(node)), caller_(std::move(caller)) {}

  void SetCut(bool cut) { cut_ = cut; }
  // `percent` of the calls go wrong in one of the three ways.
  void SetFaults(int percent, uint32_t seed) {
    percent_ = percent;
    random_.seed(seed);
  }
  // Called before each call reaches the other side, with its name.
  void SetHook(std::function<void(std::string_view)> hook) { hook_ = std::move(hook); }

  absl::Status Prepare(const RegionId& region, const PrepareCommand& command) override;
  absl::StatusOr<std::unique_ptr<CopyStream>> Copy(const RegionId& region, const AccountId& account,
                                                   AccountEpoch epoch, bool urgent) override;
  absl::StatusOr<ConfirmedManifest> Confirm(const RegionId& region, const AccountId& account,
                                            AccountEpoch epoch, const Statement& manifest,
                                            const Statement& endorsement) override;
  absl::StatusOr<std::vector<Statement>> Deliver(const RegionId& region, const AccountId& account,
                                                 const std::vector<Statement>& statements) override;

  // Loses this message, if it is one of those that get lost.
  bool Loses();

 private:
  template <typename Result, typename Call>
  Result Send(std::string_view name, const Call& call);

  const Node node_;
  const Authorization caller_;
  bool cut_ = false;
  int percent_ = 0;
  std::minstd_rand random_;
  std::function<void(std::string_view)> hook_;
};

}  // namespace comity::storage

#endif  // COMITY_TESTS_FAKES_DIRECT_PEER_STORAGE_H_
