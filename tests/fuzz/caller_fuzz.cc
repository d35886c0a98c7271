#include <cstdint>
#include <optional>
#include <string_view>

#include "services/common/identity/caller.h"
#include "services/common/identity/spiffe.h"
#include "services/common/server/topology_mark.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"
#include "tests/testing/deployment.h"

// Who calls, as a certificate and metadata say. A name or mark that is accepted is what we would
// have written; and whoever has no certificate of a region's root is a device or nobody.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  static const auto* const deployment = new TestDeployment;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<SpiffeName> name = ParseSpiffe(input);
  COMITY_CHECK(!name.ok() || FormatSpiffe(*name) == input);
  const std::optional<TopologyMark> mark = ParseTopologyMark(input);
  COMITY_CHECK(!mark.has_value() || FormatTopologyMark(*mark) == input);
  const absl::StatusOr<Caller> caller =
      IdentifyCaller(input, deployment->topology(), TestDeployment::kStart);
  COMITY_CHECK(caller.ok() ? caller->kind == Caller::Kind::kDevice
                           : ReasonOf(caller.status()) == Reason::kCertificateInvalid);
  return 0;
}
