#ifndef COMITY_REVIEW_LEAVES_H_
#define COMITY_REVIEW_LEAVES_H_

#include <string>
#include <string_view>

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/review/case.h"
#include "services/review/site.h"

// Leaves of review's log. In the clear stands what the transparency report prints
// (services/common/statement/report_fields.h); no person, account, authority or docket.
namespace comity::review {

// Links the leaves of one case without naming it.
std::string CaseTag(const Case& c);

// "legal.received".
std::string ReceivedLeaf(const Site& site, const Case& c);
// The newest change in `after`'s history: "legal.outcome" if it brought the outcome, else
// "legal.state". Commitment "event": the change, so that the case file cannot be rewritten.
std::string ChangeLeaf(const Site& site, const Case& after, bool brought_outcome);
// "legal.notice"; `kind` is "given", "after" or "barred".
std::string NoticeLeaf(const Site& site, const Case& c, std::string_view kind);
// "legal.grant", as audiences check it: the commitment "grant" is opened by the core's digest.
std::string GrantLeaf(const Site& site, const Case& c, const Digest& core, const Statement& grant);

// Names as in the report: "WARRANT", "C5".
std::string_view InstrumentName(InstrumentType instrument);
std::string ClassName(DataClass data_class);
// "BULK,INCOMPLETE": those of the case, then those of its targets alone, none twice.
std::string ReasonsText(const Case& c, std::string_view separator);

}  // namespace comity::review

#endif  // COMITY_REVIEW_LEAVES_H_
