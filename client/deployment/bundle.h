#ifndef COMITY_CLIENT_DEPLOYMENT_BUNDLE_H_
#define COMITY_CLIENT_DEPLOYMENT_BUNDLE_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/topology/topology.h"

// The client bundle (docs/client-bundle.md): what a client in any language needs to know of a
// deployment, in forms that every language reads. Public; holds no key that is secret.
namespace comity {

inline constexpr char kBundleFormat[] = "comity client bundle v1";

// The bundle as one JSON document, indented, ending in LF: equal bytes for equal topologies. With
// `region`, only that region is in it, and of the territories only the homes there: enough for an
// account until it moves. FIELD_INVALID when the topology has no such region.
absl::StatusOr<std::string> BundleJson(const Topology& topology,
                                       const std::optional<std::string>& region);

// The bundle as a folder, which is made: bundle.json, the certificates and keys in it also as PEM
// files, and the signed topology (`topology_file` and its signature), by which all the rest can be
// verified. Files that are there are replaced one by one, bundle.json last; those that are right
// already are not touched. STORE_UNAVAILABLE; FIELD_INVALID as above.
absl::Status WriteBundle(const Topology& topology, const std::string& topology_file,
                         const std::optional<std::string>& region, const std::string& directory);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_BUNDLE_H_
