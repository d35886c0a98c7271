#include "services/common/authorisation/core_rules.h"

#include <algorithm>
#include <set>

namespace comity::internal {
namespace {

constexpr size_t kRecipientKeySize = 32;

absl::Status Invalid(std::string_view cause) {
  return Refuse(Reason::kAuthorisationInvalid, cause);
}
absl::Status Forbidden(std::string_view cause) { return Refuse(Reason::kRulesForbid, cause); }

template <typename T>
bool Contains(const std::vector<T>& values, const T& value) {
  return std::ranges::find(values, value) != values.end();
}

template <typename T>
bool HasRepeats(const std::vector<T>& values) {
  return std::set<T>(values.begin(), values.end()).size() != values.size();
}

// The weakest instrument that suffices for a class.
InstrumentType InstrumentFor(DataClass data_class) {
  switch (data_class) {
    case DataClass::kC0:
    case DataClass::kC1:
      return InstrumentType::kSubpoena;
    case DataClass::kC2:
    case DataClass::kC3:
      return InstrumentType::kCourtOrder;
    case DataClass::kC4:
    case DataClass::kC5:
    case DataClass::kC6:  // never released, with whatever instrument
      return InstrumentType::kWarrant;
  }
  return InstrumentType::kWarrant;
}

}  // namespace

absl::Status CheckCore(const AuthorisationCore& core, ServiceKind audience, const RegionId& region,
                       const Topology& topology) {
  if (core.deployment != topology.deployment()) return Invalid("for another deployment");
  if (core.region != region) return Invalid("for another region");
  if (!core.case_id.starts_with(region.name() + "-")) return Invalid("not a case of the region");
  if (core.account.IsZero()) return Invalid("names no account");
  if (core.recipient_key.size() != kRecipientKeySize) return Invalid("names no recipient key");
  if (core.agent.empty()) return Invalid("names no agent");
  if (!core.reason_code.starts_with("legal.")) return Invalid("gives no legal reason code");
  if (HasRepeats(core.audiences) ||
      std::ranges::any_of(core.audiences, [](const std::string& name) {
        return name != Name(ServiceKind::kStorage) && name != Name(ServiceKind::kCustody);
      })) {
    return Invalid("names an audience twice, or one that there is not");
  }
  if (!Contains(core.audiences, std::string(Name(audience))))
    return Invalid("for another audience");
  if (core.classes.empty() || HasRepeats(core.classes)) return Invalid("classes empty or repeated");
  if (core.purposes.empty() || HasRepeats(core.purposes)) {
    return Invalid("purposes empty or repeated");
  }
  // Purposes are separate keys: names (C4) do not open content (C5), nor the other way round.
  if (Contains(core.purposes, KeyPurpose::kContent) && !Contains(core.classes, DataClass::kC5)) {
    return Invalid("purpose content without class C5");
  }
  if (Contains(core.purposes, KeyPurpose::kAttributes) && !Contains(core.classes, DataClass::kC4)) {
    return Invalid("purpose attributes without class C4");
  }
  if (core.contents.empty() || core.contents.size() > kMaxAuthorisedContents) {
    return Invalid("the scope holds 1 to 4,096 contents");
  }
  if (HasRepeats(core.contents)) return Invalid("the scope repeats a content");
  const uint64_t longest = uint64_t{topology.review_rules(region).authorisation_hours} * 3'600;
  if (core.lifetime_seconds == 0 || core.lifetime_seconds > longest) {
    return Invalid("lives longer than the rules say, or not at all");
  }
  return absl::OkStatus();
}

absl::Status CheckRequestCovers(const LegalRequest& request, const AuthorisationCore& core) {
  if (request.recipient_key != core.recipient_key) return Invalid("another recipient key");
  const std::string target = core.region.name() + "/" + core.account.ToString();
  if (!Contains(request.targets, target)) return Invalid("the request does not name the account");
  for (const DataClass data_class : core.classes) {
    if (!Contains(request.classes, data_class)) return Invalid("a class that was not asked for");
  }
  return absl::OkStatus();
}

absl::Status CheckRules(const AuthorisationCore& core, const LegalRequest& request,
                        size_t authorised, const ReviewRulesInfo& rules) {
  if (Contains(core.classes, DataClass::kC6)) return Forbidden("C6 is never released");
  for (const DataClass data_class : core.classes) {
    if (request.instrument < InstrumentFor(data_class)) {
      return Forbidden("the instrument is too weak for a class");
    }
    if (data_class < DataClass::kC3) continue;
    if (request.begin_time <= 0 || request.begin_time >= request.end_time) {
      return Forbidden("no closed time range");
    }
    if (request.end_time - request.begin_time > int64_t{rules.max_range_days} * kDayMs) {
      return Forbidden("the time range is too long");
    }
  }
  const uint32_t cap = rules.CapFor(core.classes);
  const std::set<std::string> targets(request.targets.begin(), request.targets.end());
  if (targets.size() > cap || authorised > cap) return Forbidden("more accounts than the cap");
  return absl::OkStatus();
}

}  // namespace comity::internal
