#include "services/common/store/record_keys.h"

#include <type_traits>

namespace comity {
namespace {

constexpr char kValueFormat = 1;

template <typename T>
void Append(std::string& out, T number) {
  static_assert(std::is_unsigned_v<T>);
  for (int shift = 8 * (sizeof(T) - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(number >> shift));
  }
}

// Takes the number off the front of `in`, which is long enough.
template <typename T>
T Take(std::string_view& in) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(T); ++i) number = number << 8 | static_cast<uint8_t>(in[i]);
  in.remove_prefix(sizeof(T));
  return static_cast<T>(number);
}

bool IsValueOf(std::string_view bytes, size_t size) {
  return bytes.size() == size && bytes.front() == kValueFormat;
}

}  // namespace

std::string RecordPrefix(std::string_view partition) {
  std::string prefix;
  Append(prefix, static_cast<uint16_t>(partition.size()));
  return prefix.append(partition);
}

std::string RecordKey(std::string_view partition, std::string_view key) {
  return RecordPrefix(partition).append(key);
}

std::string_view RecordPrefixOf(std::string_view record_key) {
  if (record_key.size() < 2) return record_key;
  const size_t name = static_cast<size_t>(static_cast<uint8_t>(record_key[0])) << 8 |
                      static_cast<uint8_t>(record_key[1]);
  return record_key.substr(0, 2 + name);
}

std::string OwedErasureKey(PartitionVersion version, std::string_view record_key) {
  std::string key(kOwedErasurePrefix);
  Append(key, version);
  return key.append(record_key);
}

std::string_view ErasedRecordKey(std::string_view owed_key) {
  constexpr size_t kBefore = kOwedErasurePrefix.size() + sizeof(PartitionVersion);
  return owed_key.size() > kBefore && owed_key.starts_with(kOwedErasurePrefix)
             ? owed_key.substr(kBefore)
             : std::string_view();
}

std::string EndOfPrefix(std::string prefix) {
  // Ends before the string does: the length in front is below 0xffff.
  while (prefix.back() == '\xff') prefix.pop_back();
  prefix.back() = static_cast<char>(static_cast<uint8_t>(prefix.back()) + 1);
  return prefix;
}

std::string OutcomeKey(std::string_view partition, const RequestId& request_id) {
  return RecordPrefix(partition).append(request_id.bytes());
}

std::string EncodePartitionHeader(const PartitionHeader& header) {
  std::string bytes(1, kValueFormat);
  Append(bytes, header.version);
  Append(bytes, header.keys);
  return bytes;
}

std::optional<PartitionHeader> DecodePartitionHeader(std::string_view bytes) {
  if (!IsValueOf(bytes, 1 + 8 + 4)) return std::nullopt;
  bytes.remove_prefix(1);
  PartitionHeader header;
  header.version = Take<uint64_t>(bytes);
  header.keys = Take<uint32_t>(bytes);
  return header;
}

std::string EncodeOutcome(const StoredOutcome& outcome) {
  std::string bytes(1, kValueFormat);
  Append(bytes, outcome.version);
  Append(bytes, static_cast<uint64_t>(outcome.time));
  return bytes;
}

std::optional<StoredOutcome> DecodeOutcome(std::string_view bytes) {
  if (!IsValueOf(bytes, 1 + 8 + 8)) return std::nullopt;
  bytes.remove_prefix(1);
  StoredOutcome outcome;
  outcome.version = Take<uint64_t>(bytes);
  outcome.time = static_cast<UnixMillis>(Take<uint64_t>(bytes));
  return outcome;
}

bool OutcomeExpired(const StoredOutcome& outcome, UnixMillis now) {
  return outcome.time <= now - kOutcomeLifetimeMs;
}

std::string EncodeNumber(uint64_t number) {
  std::string bytes;
  Append(bytes, number);
  return bytes;
}

std::optional<uint64_t> DecodeNumber(std::string_view bytes) {
  if (bytes.size() != sizeof(uint64_t)) return std::nullopt;
  return Take<uint64_t>(bytes);
}

}  // namespace comity
