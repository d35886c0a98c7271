#include "client/legal/case_view.h"

#include <string_view>
#include <utility>

#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace rpb = comity::review::v1;

// An enum value's name without the prefix that protos need.
std::string Short(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

std::string NameOf(rpb::RejectionReason reason) {
  return Short(rpb::RejectionReason_Name(reason), "REJECTION_REASON_");
}

std::string NameOf(rpb::CaseState state) {
  return Short(rpb::CaseState_Name(state), "CASE_STATE_");
}

}  // namespace

absl::StatusOr<CaseView> CaseViewOf(const rpb::Case& message) {
  CaseView view;
  view.id = message.case_id();
  view.state = NameOf(message.state());
  if (message.outcome() != rpb::CASE_OUTCOME_UNSPECIFIED) {
    view.outcome = Short(rpb::CaseOutcome_Name(message.outcome()), "CASE_OUTCOME_");
  }
  view.generation = message.generation();
  view.authority = message.authority();
  view.agent = message.agent();
  if (message.has_request()) {
    ASSIGN_OR_RETURN(view.request, FromProto(message.request()));
  }
  for (const int reason : message.rejections()) {
    view.rejections.push_back(NameOf(static_cast<rpb::RejectionReason>(reason)));
  }
  for (const rpb::CaseTarget& target : message.targets()) {
    CaseTargetView& out = view.targets.emplace_back();
    out.target = target.target();
    out.objects = target.objects();
    for (const int reason : target.rejections()) {
      out.rejections.push_back(NameOf(static_cast<rpb::RejectionReason>(reason)));
    }
  }
  view.received = message.receive_time_ms();
  view.due = message.due_time_ms();
  view.notice_end = message.notice_end_ms();
  view.expiry = message.expiry_time_ms();
  for (const std::string& digest : message.authorisation_digests()) {
    ASSIGN_OR_RETURN(view.authorisations.emplace_back(), Digest::FromBytes(digest));
  }
  view.cores.assign(message.authorisation_cores().begin(), message.authorisation_cores().end());
  view.assignee = message.assignee();
  view.approvers.assign(message.approvers().begin(), message.approvers().end());
  for (const rpb::CaseEvent& event : message.events()) {
    view.events.push_back({event.time_ms(), NameOf(event.state()), event.text()});
  }
  return view;
}

absl::StatusOr<rpb::RejectionReason> RejectionByName(const std::string& name) {
  rpb::RejectionReason reason = rpb::REJECTION_REASON_UNSPECIFIED;
  if (rpb::RejectionReason_Parse("REJECTION_REASON_" + name, &reason) &&
      reason != rpb::REJECTION_REASON_UNSPECIFIED) {
    return reason;
  }
  std::string known;
  for (int i = 1; i < rpb::RejectionReason_ARRAYSIZE; ++i) {
    known += " " + NameOf(static_cast<rpb::RejectionReason>(i));
  }
  return Refuse(Reason::kFieldInvalid, "no rejection \"" + name + "\"; there are:" + known);
}

}  // namespace comity
