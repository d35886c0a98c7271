#include "services/review/stored_records.h"

#include "services/common/crypto/random.h"
#include "services/common/status/reason.h"

namespace comity::review {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr size_t kDigits = 16;

}  // namespace

absl::Status CommitRecords(RecordStore& records, std::string_view partition,
                           const std::vector<Precondition>& preconditions,
                           const std::vector<Mutation>& mutations) {
  const auto id = RandomId<RequestId>();
  absl::Status status = records.Commit(partition, id, preconditions, mutations).status();
  if (ReasonOf(status) == Reason::kStoreUnavailable) {
    status = records.Commit(partition, id, preconditions, mutations).status();
  }
  // Every other limit is kept by what is written here.
  if (ReasonOf(status) == Reason::kFieldInvalid) {
    return Refuse(Reason::kOverloaded, "the partition is full: " + CauseOf(status));
  }
  return status;
}

std::string HexNumber(uint64_t number) {
  std::string text(kDigits, '0');
  for (size_t i = kDigits; i > 0; --i) {
    text[i - 1] = kHex[number & 15];
    number >>= 4;
  }
  return text;
}

std::optional<uint64_t> ParseHexNumber(std::string_view text) {
  if (text.size() != kDigits) return std::nullopt;
  uint64_t number = 0;
  for (const char c : text) {
    const size_t digit = std::string_view(kHex).find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    number = number << 4 | digit;
  }
  return number;
}

}  // namespace comity::review
