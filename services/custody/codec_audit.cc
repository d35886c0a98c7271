#include "services/custody/codec_audit.h"

#include <charconv>
#include <string>
#include <system_error>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/codec.h"

namespace comity::custody {
namespace {

constexpr int32_t kMaxPage = 1'000;
constexpr size_t kDefaultPage = 100;
constexpr size_t kMaxMethod = 64;

static_assert(static_cast<int>(AuditEvent::kCall) == pb::AUDIT_EVENT_CALL);
static_assert(static_cast<int>(AuditEvent::kStart) == pb::AUDIT_EVENT_START);
static_assert(static_cast<int>(AuditEvent::kStop) == pb::AUDIT_EVENT_STOP);
static_assert(static_cast<int>(AuditFilter::Kind::kRefused) == pb::AUDIT_KIND_REFUSED);
static_assert(static_cast<int>(AuditFilter::Kind::kLegal) == pb::AUDIT_KIND_LEGAL);

absl::Status Invalid(const std::string& cause) { return Refuse(Reason::kFieldInvalid, cause); }

// The number of a record, as Encode() writes it.
absl::StatusOr<uint64_t> DecodeToken(const std::string& token) {
  uint64_t number = 0;
  const char* const end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data(), end, number);
  if (error != std::errc() || stop != end || std::to_string(number) != token || number == 0) {
    return Refuse(Reason::kPageTokenInvalid);
  }
  return number;
}

void Encode(const NumberedAuditRecord& numbered, pb::AuditRecord& out) {
  const AuditRecord& record = numbered.record;
  out.set_number(numbered.number);
  out.set_time_ms(record.time);
  out.set_event(static_cast<pb::AuditEvent>(record.event));
  if (record.event != AuditEvent::kCall) return;
  out.set_method(record.method);
  out.set_caller(record.caller);
  if (!record.caller_key.IsZero()) out.set_caller_key_id(std::string(record.caller_key.bytes()));
  if (record.account.has_value()) out.set_account_id(std::string(record.account->bytes()));
  out.set_use(static_cast<pb::UseReason>(record.use));
  out.set_items(record.items);
  if (record.items_digest.has_value()) {
    out.set_items_digest(std::string(record.items_digest->bytes()));
  }
  if (record.authorisation.has_value()) {
    out.set_authorisation_digest(std::string(record.authorisation->bytes()));
  }
  out.set_outcome(static_cast<comity::common::v1::ErrorReason>(record.outcome));
  out.set_calls(record.calls);
  if (record.grant.has_value()) out.set_grant_id(std::string(record.grant->bytes()));
}

}  // namespace

absl::StatusOr<AuditCommand> Decode(const pb::ListAuditRecordsRequest& request) {
  AuditCommand command;
  AuditFilter& filter = command.filter;
  if (request.since_time_ms() < 0 || request.until_time_ms() < 0) {
    return Invalid("since_time_ms or until_time_ms is negative");
  }
  filter.since = request.since_time_ms();
  filter.until = request.until_time_ms();
  if (!request.account_id().empty()) {
    ASSIGN_OR_RETURN(filter.account, DecodeAccountId(request.account_id()));
  }
  if (request.method().size() > kMaxMethod) return Invalid("method has at most 64 bytes");
  filter.method = request.method();
  if (!pb::AuditKind_IsValid(request.kind())) return Invalid("kind is not known");
  filter.kind = static_cast<AuditFilter::Kind>(request.kind());
  if (request.page_size() < 0 || request.page_size() > kMaxPage) {
    return Invalid("page_size is 0 to 1,000");
  }
  command.limit =
      request.page_size() == 0 ? kDefaultPage : static_cast<size_t>(request.page_size());
  if (!request.page_token().empty()) {
    ASSIGN_OR_RETURN(command.from, DecodeToken(request.page_token()));
  }
  return command;
}

void Encode(const AuditPage& page, pb::ListAuditRecordsResponse& response) {
  for (const NumberedAuditRecord& record : page.records) Encode(record, *response.add_records());
  response.set_resume_token(std::to_string(page.next));
  if (page.more) response.set_next_page_token(response.resume_token());
}

}  // namespace comity::custody
