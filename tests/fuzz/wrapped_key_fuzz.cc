#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/crypto/random.h"
#include "services/common/statement/wrapped_key_name.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"
#include "services/custody/wrapped_key.h"

// Whatever parses as a wrap names its account, and opens under no key that did not make it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;           // NOLINT
  using namespace comity::custody;  // NOLINT
  static const auto* const key = GcmSivKey::Create(RandomSecret(kAeadKeySize)).value().release();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<WrappedKeyName> name = ParseWrappedKey(input);
  if (!name.ok()) {
    COMITY_CHECK(ReasonOf(name.status()) == Reason::kDataCorrupt);
    return 0;
  }
  COMITY_CHECK(input.find(name->account.bytes()) != std::string_view::npos);
  const auto context = KeyContext::Create(ObjectId(), ContentId(), KeyPurpose::kContent, {});
  const auto opened = OpenWrappedKey(*key, name->account, *context, input);
  COMITY_CHECK(ReasonOf(opened.status()) == Reason::kDataCorrupt);
  return 0;
}
