#ifndef COMITY_REVIEW_REVIEW_SERVICE_DEFINITION_H_
#define COMITY_REVIEW_REVIEW_SERVICE_DEFINITION_H_

#include <functional>
#include <memory>

#include "services/common/server/service_environment.h"
#include "services/review/own_custody.h"
#include "services/review/own_storage.h"

namespace comity::review {

// Storage and custody of the region, as review reaches them.
struct OwnPeers {
  std::unique_ptr<OwnStorage> storage;
  std::unique_ptr<OwnCustody> custody;
};
using PeersFactory = std::function<OwnPeers(ServiceEnvironment&)>;

// Over gRPC.
OwnPeers MakeGrpcPeers(ServiceEnvironment& environment);

// What RunService() needs to run a review.
ServiceDefinition ReviewDefinition(PeersFactory make_peers = MakeGrpcPeers);

}  // namespace comity::review

#endif  // COMITY_REVIEW_REVIEW_SERVICE_DEFINITION_H_
