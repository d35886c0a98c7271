#include "services/custody/stored_evidence.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "comity/custody/store/v1/store.pb.h"
#include "services/common/check/store_check.h"
#include "services/common/status/macros.h"
#include "services/custody/stored_codec.h"

namespace comity::custody {
namespace {

namespace pb = comity::custody::store::v1;

constexpr uint32_t kFormat = 1;

std::optional<uint64_t> ParseHex(std::string_view text, size_t digits) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, 16);
  if (text.size() != digits || error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

bool TakeOpening(std::string_view rest, const std::string& value, StoredEvidence& evidence) {
  const std::optional<uint64_t> number = ParseHex(rest, 16);
  pb::LeafOpening stored;
  if (!number.has_value() || !stored.ParseFromString(value) || stored.format() != kFormat) {
    return false;
  }
  LeafOpening& opening = evidence.openings[*number];
  opening.number = *number;
  opening.log_index = stored.log_index();
  opening.leaf = stored.leaf();
  for (const auto& [field, salt] : stored.salts()) opening.salts[field] = salt;
  return true;
}

bool TakeDecision(std::string_view rest, const std::string& value, StoredEvidence& evidence) {
  const std::optional<uint64_t> epoch = ParseHex(rest, 8);
  pb::Decision stored;
  if (!epoch.has_value() || !stored.ParseFromString(value) ||
      (stored.kind() != pb::DECISION_KIND_RELEASED && stored.kind() != pb::DECISION_KIND_ABORTED)) {
    return false;
  }
  absl::StatusOr<Statement> statement = DecodeStatement(stored.statement());
  if (!statement.ok()) return false;
  evidence.decisions[static_cast<AccountEpoch>(*epoch)] =
      Decision{static_cast<DecisionKind>(stored.kind()), *std::move(statement)};
  return true;
}

bool TakeUse(std::string_view rest, const std::string& value, StoredEvidence& evidence) {
  const absl::StatusOr<Digest> authorisation = Digest::Parse(rest);
  if (!authorisation.ok()) return false;
  absl::StatusOr<LegalUse> use = DecodeLegalUse(*authorisation, value);
  if (!use.ok()) return false;
  evidence.uses.push_back(*std::move(use));
  return true;
}

struct Kind {
  std::string_view prefix;
  bool (*take)(std::string_view rest, const std::string& value, StoredEvidence& evidence);
};
constexpr Kind kKinds[] = {{"leaf/", TakeOpening}, {"decision/", TakeDecision}, {"used/", TakeUse}};

bool Take(std::string_view key, const std::string& value, StoredEvidence& evidence) {
  if (key.starts_with("account/")) return true;  // the account's own; read with it
  for (const Kind& kind : kKinds) {
    if (key.starts_with(kind.prefix)) {
      return kind.take(key.substr(kind.prefix.size()), value, evidence);
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<StoredEvidence> ReadEvidence(RecordStore& records, const AccountId& account) {
  StoredEvidence evidence;
  RETURN_IF_ERROR(ForEachRecord(records, "custody/" + account.ToString(), "", "",
                                [&](const std::string& key, const std::string& value) {
                                  if (!Take(key, value, evidence)) {
                                    evidence.unreadable.push_back(key);
                                  }
                                }));
  return evidence;
}

}  // namespace comity::custody
