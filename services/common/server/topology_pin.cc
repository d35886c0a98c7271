#include "services/common/server/topology_pin.h"

#include <string>
#include <vector>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/succession.h"

namespace comity {
namespace {

constexpr char kPartition[] = "service/topology";
constexpr char kTextKey[] = "text";  // the exact bytes: serial and digest follow from them

absl::Status Pin(RecordStore& records, std::string_view text, Precondition unchanged) {
  return records
      .Commit(kPartition, RandomId<RequestId>(), {std::move(unchanged)},
              {Mutation::Put(kTextKey, std::string(text))})
      .status();
}

}  // namespace

absl::Status PinTopology(RecordStore& records, const Topology& topology, std::string_view text,
                         const Statement& signature) {
  ASSIGN_OR_RETURN(const Snapshot snapshot, records.Get(kPartition, {kTextKey}));
  const std::string* pinned_text = snapshot.Find(kTextKey);
  if (pinned_text == nullptr) {
    return Pin(records, text, Precondition::KeyAbsent(kTextKey));
  }
  if (*pinned_text == text) {
    return absl::OkStatus();
  }
  const absl::StatusOr<Topology> pinned = Topology::Parse(*pinned_text);
  if (!pinned.ok()) {
    return Refuse(Reason::kDataCorrupt, "the pinned topology");
  }
  if (topology.serial() < pinned->serial()) {
    return Refuse(Reason::kTopologyStale,
                  "the file has serial " + std::to_string(topology.serial()) +
                      ", and this service has followed serial " + std::to_string(pinned->serial()));
  }
  if (topology.serial() == pinned->serial()) {
    return Refuse(Reason::kTopologyInvalid,
                  "the file differs from the one of the same serial that this service follows");
  }
  RETURN_IF_ERROR(CheckSuccession(*pinned, topology, signature));
  return Pin(records, text, Precondition::ValueIs(kTextKey, *pinned_text));
}

}  // namespace comity
