#include "services/review/bulk.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "services/common/status/macros.h"

namespace comity::review {
namespace {

constexpr std::array<SharedTrait, 4> kTraits = {SharedTrait::kReference, SharedTrait::kInstrument,
                                                SharedTrait::kGround, SharedTrait::kAuthority};

// Lower-case ASCII words with one space between.
std::string Normalise(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

bool IsUndecided(const Case& c) {
  switch (c.state) {
    case CaseState::kUnderReview:
    case CaseState::kWaiting:
    case CaseState::kHeld:
    case CaseState::kNoticeRunning:
    case CaseState::kReady:
    case CaseState::kApprovedOnce:
      return true;
    case CaseState::kReceived:
    case CaseState::kAuthorised:
    case CaseState::kExecuted:
    case CaseState::kClosed:
      return false;
  }
  return false;
}

bool AsksSensitive(const Case& c) {
  return std::ranges::any_of(c.request.classes,
                             [](DataClass data_class) { return data_class >= DataClass::kC3; });
}

uint32_t* SumOf(SharedTrait trait, SiblingSums& sums) {
  switch (trait) {
    case SharedTrait::kReference:
      return &sums.by_reference;
    case SharedTrait::kInstrument:
      return &sums.by_instrument;
    case SharedTrait::kGround:
      return &sums.by_ground;
    case SharedTrait::kAuthority:
      return &sums.by_authority;
  }
  return &sums.by_authority;
}

}  // namespace

std::string TraitValue(SharedTrait trait, const LegalRequest& request) {
  switch (trait) {
    case SharedTrait::kReference:
      return request.authority + '\n' + Normalise(request.case_reference);
    case SharedTrait::kInstrument:
      return std::string(request.instrument_hash.bytes());
    case SharedTrait::kGround:
      return Normalise(request.ground);
    case SharedTrait::kAuthority:
      return request.authority;
  }
  return {};
}

absl::StatusOr<Siblings> Bulk::Find(const LegalRequest& request, std::string_view own_case) const {
  Siblings siblings;
  const ReviewRulesInfo& rules = site_->rules();
  const UnixMillis since = site_->Now() - static_cast<int64_t>(rules.bulk_window_days) * kDayMs;
  const uint32_t cap = rules.CapFor(request.classes);
  std::map<std::string, std::optional<Case>> seen;
  std::set<std::string> together;
  for (const SharedTrait trait : kTraits) {
    std::set<std::string> targets(request.targets.begin(), request.targets.end());
    // An instrument is never new again.
    const UnixMillis from = trait == SharedTrait::kInstrument ? 0 : std::max<UnixMillis>(since, 0);
    ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                     index_->FindShared(trait, TraitValue(trait, request), from));
    for (const std::string& id : ids) {
      if (id == own_case) continue;
      if (!seen.contains(id)) {
        ASSIGN_OR_RETURN(std::optional<StoredCase> stored, cases_->Find(id));
        std::optional<Case> value;
        if (stored.has_value()) value = std::move(stored->value);
        seen.emplace(id, std::move(value));
      }
      const std::optional<Case>& other = seen.at(id);
      if (!other.has_value()) continue;  // its record was never written
      if (trait == SharedTrait::kInstrument) siblings.instrument_seen = true;
      if (other->received < since || !CountsForSums(*other)) continue;
      if (rules.CapFor(other->request.classes) > cap) continue;
      if (trait == SharedTrait::kAuthority && !AsksSensitive(*other)) continue;
      targets.insert(other->request.targets.begin(), other->request.targets.end());
      if (trait != SharedTrait::kAuthority && IsUndecided(*other)) together.insert(id);
    }
    *SumOf(trait, siblings.sums) = static_cast<uint32_t>(targets.size());
  }
  siblings.together.assign(together.begin(), together.end());
  return siblings;
}

absl::Status Bulk::Note(const Case& c) const {
  for (const SharedTrait trait : kTraits) {
    RETURN_IF_ERROR(index_->AddShared(trait, TraitValue(trait, c.request), c.received, c.id));
  }
  return absl::OkStatus();
}

}  // namespace comity::review
