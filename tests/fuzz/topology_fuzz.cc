#include <cstdint>
#include <string_view>

#include "services/common/status/check.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/common/topology/topology.h"

// Whatever the file says, it is read or refused with a line and a reason, and what is read has a
// home for every account.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto topology = comity::Topology::Parse(input, /*as_template=*/true);
  if (!topology.ok()) {
    COMITY_CHECK(comity::ReasonOf(topology.status()) == comity::Reason::kTopologyInvalid);
    COMITY_CHECK(!comity::CauseOf(topology.status()).empty());
    return 0;
  }
  for (const auto& [code, territory] : topology->territories()) {
    for (const comity::UnixMillis now : {comity::UnixMillis{0}, comity::UnixMillis{1} << 42}) {
      const comity::HomeInfo& home = comity::HomeAt(territory, now);
      COMITY_CHECK(topology->FindRegion(home.region) != nullptr);
      COMITY_CHECK(!topology->CanCompelRegion(home.region).empty());
      comity::AccountFacts facts;
      facts.territory = code;
      facts.place = comity::PlacementOf(home);
      COMITY_CHECK(!comity::DecideStanding(*topology, facts, now).reason.empty());
    }
  }
  return 0;
}
