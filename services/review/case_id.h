#ifndef COMITY_REVIEW_CASE_ID_H_
#define COMITY_REVIEW_CASE_ID_H_

#include <optional>
#include <string>
#include <string_view>

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"

namespace comity::review {

// A case id is "<region>-<yyyymm>-<2 hex bucket>-<16 base32>": it finds its own partition, and
// tells nothing but where and when the request came in.
struct CasePlace {
  std::string month;   // "201803"
  std::string bucket;  // "0a"
};

// A fresh id for a request received at this time.
std::string NewCaseId(const RegionId& region, UnixMillis received);
// "201803", by UTC.
std::string MonthOf(UnixMillis time);
// nullopt unless it is the id of a case of this region, exactly.
std::optional<CasePlace> ParseCaseId(const RegionId& region, std::string_view id);

}  // namespace comity::review

#endif  // COMITY_REVIEW_CASE_ID_H_
