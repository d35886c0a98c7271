#include "services/review/case_id.h"

#include <algorithm>

#include "services/common/crypto/random.h"

namespace comity::review {
namespace {

constexpr size_t kRandomBytes = 10;  // 16 characters of base32
constexpr size_t kTail = 1 + 6 + 1 + 2 + 1 + 16;
constexpr char kHex[] = "0123456789abcdef";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string MonthOf(UnixMillis time) {
  const std::string day = FormatDay(time);  // "2018-03-01"
  return day.substr(0, 4) + day.substr(5, 2);
}

std::string NewCaseId(const RegionId& region, UnixMillis received) {
  const auto bucket = static_cast<unsigned char>(RandomBytes(1)[0]);
  std::string id = region.name() + "-" + MonthOf(received) + "-";
  id += kHex[bucket >> 4];
  id += kHex[bucket & 15];
  return id + "-" + Base32Encode(RandomBytes(kRandomBytes));
}

std::optional<CasePlace> ParseCaseId(const RegionId& region, std::string_view id) {
  const std::string& name = region.name();
  if (id.size() != name.size() + kTail || !id.starts_with(name)) return std::nullopt;
  const std::string_view tail = id.substr(name.size());
  const std::string_view month = tail.substr(1, 6);
  const std::string_view bucket = tail.substr(8, 2);
  if (tail[0] != '-' || tail[7] != '-' || tail[10] != '-' || !std::ranges::all_of(month, IsDigit) ||
      !std::ranges::all_of(bucket, IsHex)) {
    return std::nullopt;
  }
  const auto random = Base32Decode(tail.substr(11));
  if (!random.ok() || random->size() != kRandomBytes) return std::nullopt;
  return CasePlace{std::string(month), std::string(bucket)};
}

}  // namespace comity::review
