#include "client/audit/audit.h"

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;
using CustodyApi = cpb::CustodyService;

constexpr int32_t kPageSize = 1'000;

cpb::AuditKind KindOf(AuditQuery::Kind kind) {
  switch (kind) {
    case AuditQuery::Kind::kAll:
      return cpb::AUDIT_KIND_UNSPECIFIED;
    case AuditQuery::Kind::kRefused:
      return cpb::AUDIT_KIND_REFUSED;
    case AuditQuery::Kind::kLegal:
      return cpb::AUDIT_KIND_LEGAL;
  }
  return cpb::AUDIT_KIND_UNSPECIFIED;
}

absl::Status BadAnswer() {
  return Refuse(Reason::kDataCorrupt, "custody answers with what is no audit record");
}

std::string NameOfUse(cpb::UseReason use) {
  switch (use) {
    case cpb::USE_REASON_OWNER_ACCESS:
      return "access";
    case cpb::USE_REASON_OWNER_EXPORT:
      return "export";
    case cpb::USE_REASON_OWNER_VERIFY:
      return "verify";
    case cpb::USE_REASON_OWNER_REWRAP:
      return "rewrap";
    case cpb::USE_REASON_GRANT:
      return "grant";
    default:
      return "";
  }
}

// An id that may be absent.
template <typename Id>
absl::StatusOr<std::optional<Id>> IdOf(const std::string& bytes) {
  if (bytes.empty()) return std::optional<Id>();
  absl::StatusOr<Id> id = Id::FromBytes(bytes);
  if (!id.ok()) return BadAnswer();
  return std::optional<Id>(*id);
}

absl::StatusOr<AuditRecordView> ViewOf(const cpb::AuditRecord& record) {
  AuditRecordView view;
  view.number = record.number();
  view.time = record.time_ms();
  switch (record.event()) {
    case cpb::AUDIT_EVENT_CALL:
      view.event = AuditRecordView::Event::kCall;
      break;
    case cpb::AUDIT_EVENT_START:
      view.event = AuditRecordView::Event::kStart;
      break;
    case cpb::AUDIT_EVENT_STOP:
      view.event = AuditRecordView::Event::kStop;
      break;
    default:
      return BadAnswer();
  }
  view.method = record.method();
  view.caller = record.caller();
  ASSIGN_OR_RETURN(view.caller_key, IdOf<SigningKeyId>(record.caller_key_id()));
  ASSIGN_OR_RETURN(view.account, IdOf<AccountId>(record.account_id()));
  view.use = NameOfUse(record.use());
  view.items = record.items();
  ASSIGN_OR_RETURN(view.items_digest, IdOf<Digest>(record.items_digest()));
  ASSIGN_OR_RETURN(view.authorisation, IdOf<Digest>(record.authorisation_digest()));
  ASSIGN_OR_RETURN(view.grant, IdOf<GrantId>(record.grant_id()));
  view.outcome = static_cast<Reason>(record.outcome());
  view.calls = record.calls();
  return view;
}

}  // namespace

absl::Status ListAuditRecords(Session& session, const RegionId& region, const AuditQuery& query,
                              std::string& place,
                              const std::function<bool(const AuditRecordView&)>& visit) {
  cpb::ListAuditRecordsRequest request;
  request.set_since_time_ms(query.since);
  request.set_until_time_ms(query.until);
  if (query.account.has_value()) request.set_account_id(std::string(query.account->bytes()));
  request.set_method(query.method);
  request.set_kind(KindOf(query.kind));
  request.set_page_size(kPageSize);
  bool more = true;
  while (more) {
    request.set_page_token(place);
    ASSIGN_OR_RETURN(
        const auto page,
        (session.Call<CustodyApi, cpb::ListAuditRecordsRequest, cpb::ListAuditRecordsResponse>(
            region, ServiceKind::kCustody, &CustodyApi::Stub::ListAuditRecords, request)));
    for (const cpb::AuditRecord& record : page.records()) {
      ASSIGN_OR_RETURN(const AuditRecordView view, ViewOf(record));
      if (!visit(view)) return absl::OkStatus();
    }
    place = page.resume_token();
    more = !page.next_page_token().empty();
  }
  return absl::OkStatus();
}

}  // namespace comity
