#ifndef COMITY_STORAGE_PEER_CUSTODY_CLIENT_H_
#define COMITY_STORAGE_PEER_CUSTODY_CLIENT_H_

#include <utility>
#include <vector>

#include "services/common/server/peers.h"
#include "services/storage/own_custody.h"

namespace comity::storage {

// OwnCustody over gRPC. Thread-safe.
class PeerCustodyClient final : public OwnCustody {
 public:
  // `peers` outlives the client.
  PeerCustodyClient(Peers* peers, RegionId region) : peers_(peers), region_(std::move(region)) {}

  absl::StatusOr<std::vector<Statement>> Deliver(const AccountId& account,
                                                 const std::vector<Statement>& statements) override;

 private:
  Peers* const peers_;
  const RegionId region_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_PEER_CUSTODY_CLIENT_H_
