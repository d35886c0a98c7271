#ifndef COMITY_CUSTODY_PEER_CUSTODY_CLIENT_H_
#define COMITY_CUSTODY_PEER_CUSTODY_CLIENT_H_

#include "services/common/server/peers.h"
#include "services/custody/peer_custody.h"

namespace comity::custody {

// The custody of another region over gRPC. `peers` outlives it. A region that is not in the
// topology is PEER_UNAVAILABLE.
class PeerCustodyClient final : public PeerCustody {
 public:
  explicit PeerCustodyClient(Peers* peers) : peers_(peers) {}

  absl::StatusOr<Endorsed> GetTransportKey(const RegionId& region, const AccountId& account,
                                           AccountEpoch epoch) override;
  absl::StatusOr<Endorsed> ImportKeys(const RegionId& region,
                                      const ImportCommand& command) override;
  absl::StatusOr<std::vector<Statement>> DeliverStatement(
      const RegionId& region, const AccountId& account,
      const std::vector<Statement>& statements) override;

 private:
  template <typename Response, typename Call>
  absl::StatusOr<Response> Ask(const RegionId& region, const Call& call);
  Peers* const peers_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_PEER_CUSTODY_CLIENT_H_
