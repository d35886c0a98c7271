#include "services/review/request_check.h"

#include <algorithm>
#include <set>

namespace comity::review {
namespace {

bool AnyOf(const std::vector<DataClass>& classes, DataClass from, DataClass to) {
  return std::any_of(classes.begin(), classes.end(),
                     [&](DataClass c) { return c >= from && c <= to; });
}

bool HasRepeats(auto items) {
  std::sort(items.begin(), items.end());
  return std::adjacent_find(items.begin(), items.end()) != items.end();
}

class Checker final {
 public:
  Checker(const LegalRequest& request, const RequestFacts& facts)
      : request_(request), facts_(facts) {}

  // In order of precedence: the first rejection found is the primary one. What can never be given
  // and what is bulk by form come before what a better paper could mend.
  Finding Run() {
    Authenticity();
    if (AnyOf(request_.classes, DataClass::kC6, DataClass::kC6)) Refuse(Rejection::kNeverReleased);
    Targets();
    Bulk();
    Completeness();
    Instrument();
    if (finding_.rejections.empty()) RefuseWhenNoTargetIsLeft();
    return std::move(finding_);
  }

 private:
  void Refuse(Rejection rejection) {
    auto& all = finding_.rejections;
    if (std::find(all.begin(), all.end(), rejection) == all.end()) all.push_back(rejection);
  }

  // Rule 10: the sender is an agent of the roster and speaks for the authority that is named.
  void Authenticity() {
    if (facts_.signer == nullptr || !HasRole(*facts_.signer, PersonRole::kAgent) ||
        facts_.signer->organisation != request_.authority) {
      Refuse(Rejection::kAuthenticityFailed);
    }
    if (facts_.instrument_seen) Refuse(Rejection::kDuplicate);
  }

  // Rule 2. Another region's target is WrongJurisdiction whether or not it exists there.
  void Targets() {
    for (const std::string& text : request_.targets) {
      TargetFinding found{ParseTarget(text), {}};
      if (found.target.account.has_value()) {
        if (found.target.region != facts_.region.name()) {
          found.rejections.push_back(Rejection::kWrongJurisdiction);
        } else if (facts_.held.has_value()) {
          const auto held = facts_.held->find(text);
          if (held == facts_.held->end() || !held->second) {
            found.rejections.push_back(Rejection::kDataNotHeld);
          }
        }
      }
      finding_.targets.push_back(std::move(found));
    }
  }

  // Rule 6: by form, by number, and by number over split requests.
  void Bulk() {
    const bool predicate =
        std::any_of(finding_.targets.begin(), finding_.targets.end(),
                    [](const TargetFinding& t) { return !t.target.account.has_value(); });
    if (predicate) Refuse(Rejection::kBulk);
    // Of what is never released there is no number that would be too many.
    if (request_.classes.empty() || AnyOf(request_.classes, DataClass::kC6, DataClass::kC6)) return;
    const uint32_t cap = facts_.rules->CapFor(request_.classes);
    if (request_.targets.size() > cap) Refuse(Rejection::kBulk);
    const SiblingSums& sums = facts_.sums;
    uint32_t largest = std::max({sums.by_reference, sums.by_instrument, sums.by_ground});
    if (AnyOf(request_.classes, DataClass::kC3, DataClass::kC5)) {
      largest = std::max(largest, sums.by_authority);
    }
    finding_.hold_as_split = largest > cap;
  }

  void Completeness() {
    const bool ranged = AnyOf(request_.classes, DataClass::kC3, DataClass::kC5);
    if (request_.case_reference.empty() || request_.legal_basis.empty() ||
        request_.ground.empty() || request_.targets.empty() || request_.classes.empty() ||
        request_.instrument_hash.IsZero() || request_.recipient_key.size() != 32 ||
        (ranged && (request_.begin_time == 0 || request_.end_time == 0))) {
      Refuse(Rejection::kIncomplete);
      return;
    }
    if (HasRepeats(request_.targets) || HasRepeats(request_.classes) ||
        request_.instrument_expiry <= request_.instrument_issued ||
        (ranged && request_.begin_time >= request_.end_time)) {
      Refuse(Rejection::kManifestErrors);
      return;
    }
    if (ranged && request_.end_time - request_.begin_time >
                      static_cast<int64_t>(facts_.rules->max_range_days) * kDayMs) {
      Refuse(Rejection::kNotParticularised);
    }
  }

  void Instrument() {
    if (facts_.now < request_.instrument_issued || facts_.now >= request_.instrument_expiry) {
      Refuse(Rejection::kInstrumentExpired);
    }
    for (const DataClass data_class : request_.classes) {
      const std::optional<InstrumentType> needed = NeededInstrument(data_class);
      if (needed.has_value() && request_.instrument < *needed) {
        Refuse(Rejection::kInstrumentTooWeak);
      }
    }
    // Records of these classes are not kept by this service.
    const bool all_unheld =
        !request_.classes.empty() &&
        std::all_of(request_.classes.begin(), request_.classes.end(), [](DataClass c) {
          return c == DataClass::kC1 || c == DataClass::kC2 || c == DataClass::kC3;
        });
    if (all_unheld) Refuse(Rejection::kDataNotHeld);
  }

  void RefuseWhenNoTargetIsLeft() {
    const bool left = std::any_of(finding_.targets.begin(), finding_.targets.end(),
                                  [](const TargetFinding& t) { return t.rejections.empty(); });
    if (left) return;
    for (const TargetFinding& target : finding_.targets) {
      for (const Rejection rejection : target.rejections) Refuse(rejection);
    }
  }

  const LegalRequest& request_;
  const RequestFacts& facts_;
  Finding finding_;
};

}  // namespace

Target ParseTarget(const std::string& text) {
  Target target{text, {}, std::nullopt};
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return target;
  if (!RegionId::Create(text.substr(0, slash)).ok()) return target;
  target.region = text.substr(0, slash);
  if (auto account = AccountId::Parse(text.substr(slash + 1)); account.ok()) {
    target.account = *account;
  }
  return target;
}

std::optional<InstrumentType> NeededInstrument(DataClass data_class) {
  switch (data_class) {
    case DataClass::kC0:
    case DataClass::kC1:
      return InstrumentType::kSubpoena;
    case DataClass::kC2:
    case DataClass::kC3:
      return InstrumentType::kCourtOrder;
    case DataClass::kC4:
    case DataClass::kC5:
      return InstrumentType::kWarrant;
    case DataClass::kC6:
      return std::nullopt;
  }
  return std::nullopt;
}

Finding CheckRequest(const LegalRequest& request, const RequestFacts& facts) {
  return Checker(request, facts).Run();
}

}  // namespace comity::review
