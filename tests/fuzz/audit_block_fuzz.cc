#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/audit/audit_block.h"
#include "services/common/crypto/digest.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace {

using namespace comity;  // NOLINT

// What is read as a block is written as the same bytes, and everything else is damage.
void Check(std::string_view bytes) {
  const absl::StatusOr<ReadAuditBlock> read = ParseAuditBlock(bytes);
  if (!read.ok()) {
    COMITY_CHECK(ReasonOf(read.status()) == Reason::kDataCorrupt);
    return;
  }
  COMITY_CHECK(FrameAuditBlock(read->block).bytes == bytes.substr(0, read->size));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Check(input);
  // Behind the hash, which would keep every input out.
  std::string framed;
  for (int shift = 24; shift >= 0; shift -= 8) {
    framed.push_back(static_cast<char>((size >> shift) & 0xff));
  }
  Check(framed.append(input).append(Sha256(input)));
  return 0;
}
