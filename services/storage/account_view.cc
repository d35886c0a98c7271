#include "services/storage/account_view.h"

#include <algorithm>
#include <array>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/topology/standing.h"

namespace comity::storage {
namespace {

constexpr auto kNumberedTypes = std::to_array<std::string_view>(
    {AccountRecord::kType, MetadataKey::kType, Consent::kType, Withdrawal::kType,
     TerritoryChange::kType, Close::kType, CancelClose::kType, ReadBack::kType});

struct Entry {
  Envelope envelope;
  const Statement* statement;
};

template <typename Body>
absl::StatusOr<Parsed<Body>> Reparse(const Statement& statement) {
  absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(statement);
  if (!parsed.ok()) return Refuse(Reason::kDataCorrupt, "a kept statement does not parse");
  return parsed;
}

}  // namespace

bool IsNumberedDeviceType(std::string_view type) {
  return std::ranges::find(kNumberedTypes, type) != kNumberedTypes.end();
}

absl::StatusOr<AccountView> AccountView::Build(const std::vector<Statement>& history) {
  AccountView view;
  std::vector<Entry> numbered;
  std::map<uint64_t, UnixMillis> closings;  // close number -> destroy time
  for (size_t i = 0; i < history.size(); ++i) {
    const Statement& statement = history[i];
    view.digests_.emplace(statement.digest(), i);
    absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    if (!envelope.ok()) return Refuse(Reason::kDataCorrupt, "a kept statement does not parse");
    if (IsNumberedDeviceType(envelope->type)) {
      numbered.push_back({*std::move(envelope), &statement});
    } else if (envelope->type == KeyClosing::kType) {
      ASSIGN_OR_RETURN(const auto closing, Reparse<KeyClosing>(statement));
      closings[closing.body.close_number] = closing.body.destroy_time;
    }
  }
  std::ranges::sort(numbered, {}, [](const Entry& e) { return e.envelope.number; });

  for (const Entry& entry : numbered) {
    const std::string& type = entry.envelope.type;
    const uint64_t number = entry.envelope.number;
    view.newest_number_ = number;
    view.numbers_.emplace(number, entry.statement->digest());
    if (type == AccountRecord::kType) {
      ASSIGN_OR_RETURN(auto record, Reparse<AccountRecord>(*entry.statement));
      view.territory_ = std::move(record.body.territory);
      const std::optional<Placement> place = PlacementOf(record.body);
      if (!place.has_value()) {
        return Refuse(Reason::kDataCorrupt, "an account record that does not say where keys are");
      }
      if (!place->resident()) view.keys_elsewhere_ = place->keys;
    } else if (type == Consent::kType) {
      ASSIGN_OR_RETURN(auto consent, Reparse<Consent>(*entry.statement));
      view.consent_ =
          ConsentEntry{std::move(consent.envelope), std::move(consent.body), *entry.statement};
    } else if (type == Withdrawal::kType) {
      view.consent_.reset();
    } else if (type == TerritoryChange::kType) {
      ASSIGN_OR_RETURN(auto change, Reparse<TerritoryChange>(*entry.statement));
      view.territory_ = std::move(change.body.territory);
      view.consent_.reset();
    } else if (type == Close::kType) {
      view.open_close_ = number;
      view.consent_.reset();
    } else if (type == CancelClose::kType) {
      ASSIGN_OR_RETURN(const auto cancel, Reparse<CancelClose>(*entry.statement));
      if (view.open_close_ == cancel.body.close_number) view.open_close_.reset();
    } else if (type == ReadBack::kType) {
      ASSIGN_OR_RETURN(view.readback_, Reparse<ReadBack>(*entry.statement));
    }
  }
  if (view.open_close_.has_value()) {
    if (auto it = closings.find(*view.open_close_); it != closings.end()) {
      view.close_destroy_time_ = it->second;
    }
  }
  return view;
}

const Digest* AccountView::FindNumber(uint64_t number) const {
  auto it = numbers_.find(number);
  return it == numbers_.end() ? nullptr : &it->second;
}

}  // namespace comity::storage
