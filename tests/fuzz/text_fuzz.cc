#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/status/check.h"

// Written forms: what is read is written back the same, so that no two texts mean one thing.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto bytes = comity::Base32Decode(input);
  if (bytes.ok()) {
    COMITY_CHECK(comity::Base32Encode(*bytes) == input);
  }
  COMITY_CHECK(*comity::Base32Decode(comity::Base32Encode(input)) == input);
  const auto region = comity::RegionId::Create(input);
  if (region.ok()) {
    COMITY_CHECK(region->name() == input);
  }
  const auto account = comity::AccountId::Parse(input);
  if (account.ok()) {
    COMITY_CHECK(account->ToString() == input);
    COMITY_CHECK(*comity::AccountId::FromBytes(account->bytes()) == *account);
  }
  const auto time = comity::ParseTime(std::string(input));
  if (time.ok()) {
    COMITY_CHECK(comity::FormatTime(*time) == input || comity::FormatDay(*time) == input);
  }
  return 0;
}
