#ifndef COMITY_REVIEW_PEER_CLIENTS_H_
#define COMITY_REVIEW_PEER_CLIENTS_H_

#include <string>
#include <utility>

#include "services/common/server/peers.h"
#include "services/review/own_custody.h"
#include "services/review/own_storage.h"

namespace comity::review {

// The storage of this region over gRPC. `peers` outlives it.
class PeerStorageClient final : public OwnStorage {
 public:
  PeerStorageClient(Peers* peers, RegionId region) : peers_(peers), region_(std::move(region)) {}
  absl::StatusOr<AccountScope> GetScope(std::string_view case_id, const AccountId& account,
                                        UnixMillis begin, UnixMillis end) override;
  absl::StatusOr<StorageAnswer> Execute(const Authorisation& authorisation) override;
  absl::Status ReadContent(const Digest& authorisation, const AccountId& account,
                           const ContentId& content,
                           const std::function<absl::Status(std::string)>& take) override;

 private:
  Peers* const peers_;
  const RegionId region_;
};

// The custody of this region over gRPC. `peers` outlives it.
class PeerCustodyClient final : public OwnCustody {
 public:
  PeerCustodyClient(Peers* peers, RegionId region) : peers_(peers), region_(std::move(region)) {}
  absl::StatusOr<OpenedRecordKey> OpenRecordKey(const std::string& wrapped) override;
  absl::StatusOr<CustodyAnswer> Execute(const Authorisation& authorisation,
                                        const std::vector<AuthorisedWrap>& wraps) override;

 private:
  Peers* const peers_;
  const RegionId region_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_PEER_CLIENTS_H_
