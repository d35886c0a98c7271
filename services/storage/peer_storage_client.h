#ifndef COMITY_STORAGE_PEER_STORAGE_CLIENT_H_
#define COMITY_STORAGE_PEER_STORAGE_CLIENT_H_

#include <memory>
#include <vector>

#include "services/common/server/peers.h"
#include "services/storage/peer_storage.h"

namespace comity::storage {

// PeerStorage over gRPC, across a declared border edge. Thread-safe.
class PeerStorageClient final : public PeerStorage {
 public:
  // `peers` outlives the client.
  explicit PeerStorageClient(Peers* peers) : peers_(peers) {}

  absl::Status Prepare(const RegionId& region, const PrepareCommand& command) override;
  absl::StatusOr<std::unique_ptr<CopyStream>> Copy(const RegionId& region, const AccountId& account,
                                                   AccountEpoch epoch, bool urgent) override;
  absl::StatusOr<ConfirmedManifest> Confirm(const RegionId& region, const AccountId& account,
                                            AccountEpoch epoch, const Statement& manifest,
                                            const Statement& endorsement) override;
  absl::StatusOr<std::vector<Statement>> Deliver(const RegionId& region, const AccountId& account,
                                                 const std::vector<Statement>& statements) override;

 private:
  absl::Status CheckRegion(const RegionId& region) const;

  Peers* const peers_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_PEER_STORAGE_CLIENT_H_
