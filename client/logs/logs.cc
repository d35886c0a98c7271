#include "client/logs/logs.h"

#include "services/common/files/files.h"
#include "services/common/log/checkpoint.h"
#include "services/common/log/merkle.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// Leaves are all at hand, so that the root at an earlier size is recomputed, not proven.
class LeafHashes final : public merkle::NodeSource {
 public:
  explicit LeafHashes(const std::vector<std::string>& leaves) : leaves_(leaves) {}
  absl::StatusOr<Digest> Node(int level, uint64_t index) override {
    if (level == 0) return merkle::LeafHash(leaves_.at(index));
    ASSIGN_OR_RETURN(const Digest left, Node(level - 1, 2 * index));
    ASSIGN_OR_RETURN(const Digest right, Node(level - 1, 2 * index + 1));
    return merkle::NodeHash(left, right);
  }

 private:
  const std::vector<std::string>& leaves_;
};

absl::Status CheckExtends(const VerifiedLog& log, const Checkpoint& before) {
  if (before.size > log.checkpoint.size) {
    return Refuse(Reason::kDataCorrupt, log.checkpoint.origin + " is shorter than it was before: " +
                                            std::to_string(log.checkpoint.size) + " leaves, then " +
                                            std::to_string(before.size));
  }
  LeafHashes hashes(log.leaves);
  ASSIGN_OR_RETURN(const Digest root, merkle::Root(hashes, before.size));
  if (root != before.root) {
    return Refuse(Reason::kDataCorrupt,
                  log.checkpoint.origin + " does not extend the tree that was seen before");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<VerifiedLog> VerifyServiceLog(
    const Topology& topology, const RegionId& region, ServiceKind kind, const std::string& memory,
    const std::function<void(uint64_t, uint64_t)>& progress) {
  const ServiceInfo& service = topology.regions().at(region).service(kind);
  const std::string origin = topology.LogOrigin(region, kind);
  const LogFetcher fetch = HttpLogFetcher(service.log_url);
  ASSIGN_OR_RETURN(VerifiedLog log, FetchAndVerifyLog(fetch, origin, *service.log_key, progress));
  if (memory.empty()) return log;
  const std::string path = memory + "/" + region.name() + "-" + std::string(Name(kind));
  if (FileExists(path)) {
    ASSIGN_OR_RETURN(const std::string body, ReadFile(path));
    const absl::StatusOr<Checkpoint> before = ParseCheckpointBody(body);
    if (!before.ok()) return Refuse(Reason::kDataCorrupt, path + ": " + CauseOf(before.status()));
    RETURN_IF_ERROR(CheckExtends(log, *before));
  }
  RETURN_IF_ERROR(MakePrivateFolders(memory));
  RETURN_IF_ERROR(WriteFileDurably(path, FormatCheckpointBody(log.checkpoint), FileMode::kPrivate));
  return log;
}

}  // namespace comity
