#include "services/review/stored_codec.h"

#include <limits>
#include <utility>

#include "comity/review/store/v1/store.pb.h"
#include "services/common/statement/object_record.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::review {
namespace {

namespace pb = comity::review::store::v1;

constexpr uint32_t kFormat = 1;

absl::Status Corrupt(std::string_view what) { return Refuse(Reason::kDataCorrupt, what); }

template <typename Message>
absl::StatusOr<Message> Parse(std::string_view bytes) {
  Message message;
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      message.format() != kFormat) {
    return Corrupt("a stored record of an unknown format");
  }
  return message;
}

absl::StatusOr<Statement> ReadStatement(const std::string& bytes) {
  absl::StatusOr<Statement> statement = DecodeStatement(bytes);
  return statement.ok() ? std::move(statement) : Corrupt("a stored statement does not decode");
}

absl::StatusOr<Digest> ReadDigest(const std::string& bytes) {
  absl::StatusOr<Digest> digest = Digest::FromBytes(bytes);
  return digest.ok() ? std::move(digest) : Corrupt("a stored digest has not 32 bytes");
}

template <typename Enum>
absl::StatusOr<Enum> ReadEnum(uint32_t number) {
  const auto value = static_cast<Enum>(number);
  if (number > 255 || !IsValid(value)) return Corrupt("a stored enum value that is not listed");
  return value;
}

template <typename Numbers>
absl::StatusOr<std::vector<Rejection>> ReadRejections(const Numbers& numbers) {
  std::vector<Rejection> rejections;
  for (const uint32_t number : numbers) {
    ASSIGN_OR_RETURN(const Rejection rejection, ReadEnum<Rejection>(number));
    rejections.push_back(rejection);
  }
  return rejections;
}

template <typename Message>
void AddRejections(const std::vector<Rejection>& rejections, Message& message) {
  for (const Rejection rejection : rejections) {
    message.add_rejections(static_cast<uint32_t>(rejection));
  }
}

void WriteActs(const Case& c, pb::CaseEntry& entry) {
  for (const CaseApproval& approval : c.approvals) {
    pb::ApprovalEntry& out = *entry.add_approvals();
    out.set_person(approval.person);
    out.set_enrolled_by(approval.enrolled_by);
    out.set_statement(EncodeStatement(approval.statement));
    out.set_time_ms(approval.time);
  }
  for (const CaseGrant& grant : c.grants) {
    pb::GrantEntry& out = *entry.add_grants();
    out.set_statement(EncodeStatement(grant.statement));
    out.set_leaf(grant.leaf);
    out.set_receipt(grant.receipt);
  }
  for (const Digest& objection : c.objections) entry.add_objections(std::string(objection.bytes()));
  for (const CaseMemo& memo : c.memos) {
    pb::MemoEntry& out = *entry.add_memos();
    out.set_key(std::string(memo.key.bytes()));
    out.set_request(std::string(memo.request.bytes()));
    out.set_time_ms(memo.time);
  }
  for (const CaseEvent& event : c.history) {
    pb::EventEntry& out = *entry.add_history();
    out.set_time_ms(event.time);
    out.set_state(static_cast<uint32_t>(event.state));
    out.set_text(event.text);
    out.set_leaf_index(event.leaf_index);
  }
}

absl::Status ReadActs(const pb::CaseEntry& entry, Case& c) {
  for (const pb::ApprovalEntry& in : entry.approvals()) {
    ASSIGN_OR_RETURN(Statement statement, ReadStatement(in.statement()));
    c.approvals.push_back({in.person(), in.enrolled_by(), std::move(statement), in.time_ms()});
  }
  for (const pb::GrantEntry& in : entry.grants()) {
    ASSIGN_OR_RETURN(Statement statement, ReadStatement(in.statement()));
    c.grants.push_back({std::move(statement), in.leaf(), in.receipt()});
  }
  for (const std::string& objection : entry.objections()) {
    ASSIGN_OR_RETURN(const Digest digest, ReadDigest(objection));
    c.objections.push_back(digest);
  }
  for (const pb::MemoEntry& in : entry.memos()) {
    CaseMemo memo;
    ASSIGN_OR_RETURN(memo.key, ReadDigest(in.key()));
    ASSIGN_OR_RETURN(memo.request, ReadDigest(in.request()));
    memo.time = in.time_ms();
    c.memos.push_back(memo);
  }
  for (const pb::EventEntry& in : entry.history()) {
    ASSIGN_OR_RETURN(const CaseState state, ReadEnum<CaseState>(in.state()));
    c.history.push_back({in.time_ms(), state, in.text(), in.leaf_index()});
  }
  if (c.history.empty()) return Corrupt("a case without history");
  if (c.state == CaseState::kApprovedOnce && c.approvals.empty()) {
    return Corrupt("an approved case without approval");
  }
  return absl::OkStatus();
}

}  // namespace

std::string EncodeCase(const Case& c) {
  pb::CaseEntry entry;
  entry.set_format(kFormat);
  entry.set_state(static_cast<uint32_t>(c.state));
  entry.set_outcome(static_cast<uint32_t>(c.outcome));
  entry.set_generation(c.generation);
  entry.set_authority(c.authority);
  entry.set_agent(c.agent);
  entry.set_request(EncodeStatement(c.request_statement));
  AddRejections(c.rejections, entry);
  for (const CaseTarget& target : c.targets) {
    pb::TargetEntry& out = *entry.add_targets();
    out.set_text(target.text);
    AddRejections(target.rejections, out);
    out.set_objects(target.objects);
    out.set_truncated(target.truncated);
    out.set_provided(target.provided);
    out.set_concerned(target.concerned);
  }
  entry.set_assignee(c.assignee);
  for (const std::string& decider : c.deciders) entry.add_deciders(decider);
  for (const std::string& core : c.cores) entry.add_cores(core);
  WriteActs(c, entry);
  entry.set_executing(c.executing);
  entry.set_receive_time_ms(c.received);
  entry.set_due_time_ms(c.due);
  entry.set_notice_end_ms(c.notice_end);
  entry.set_notice_due_ms(c.notice_due);
  entry.set_notice_given(c.notice_given);
  entry.set_waiting_until_ms(c.waiting_until);
  entry.set_expiry_time_ms(c.expiry);
  entry.set_salt(c.salt);
  return entry.SerializeAsString();
}

absl::StatusOr<Case> DecodeCase(std::string_view case_id, std::string_view bytes) {
  ASSIGN_OR_RETURN(const pb::CaseEntry entry, Parse<pb::CaseEntry>(bytes));
  Case c;
  c.id = std::string(case_id);
  ASSIGN_OR_RETURN(c.state, ReadEnum<CaseState>(entry.state()));
  ASSIGN_OR_RETURN(c.outcome, ReadEnum<CaseOutcome>(entry.outcome()));
  c.generation = entry.generation();
  c.authority = entry.authority();
  c.agent = entry.agent();
  ASSIGN_OR_RETURN(c.request_statement, ReadStatement(entry.request()));
  absl::StatusOr<Parsed<LegalRequest>> request = ParseStatement<LegalRequest>(c.request_statement);
  if (!request.ok()) return Corrupt("a stored request does not parse");
  c.request = std::move(request->body);
  ASSIGN_OR_RETURN(c.rejections, ReadRejections(entry.rejections()));
  for (const pb::TargetEntry& in : entry.targets()) {
    ASSIGN_OR_RETURN(std::vector<Rejection> rejections, ReadRejections(in.rejections()));
    c.targets.push_back({in.text(), std::move(rejections), in.objects(), in.truncated(),
                         in.provided(), in.concerned()});
  }
  c.assignee = entry.assignee();
  c.deciders.assign(entry.deciders().begin(), entry.deciders().end());
  c.cores.assign(entry.cores().begin(), entry.cores().end());
  RETURN_IF_ERROR(ReadActs(entry, c));
  c.executing = entry.executing();
  c.received = entry.receive_time_ms();
  c.due = entry.due_time_ms();
  c.notice_end = entry.notice_end_ms();
  c.notice_due = entry.notice_due_ms();
  c.notice_given = entry.notice_given();
  c.waiting_until = entry.waiting_until_ms();
  c.expiry = entry.expiry_time_ms();
  c.salt = entry.salt();
  return c;
}

std::string EncodeClaim(const Claim& claim) {
  pb::ClaimEntry entry;
  entry.set_format(kFormat);
  entry.set_case_id(claim.case_id);
  entry.set_salt(claim.salt);
  return entry.SerializeAsString();
}

absl::StatusOr<Claim> DecodeClaim(std::string_view bytes) {
  ASSIGN_OR_RETURN(const pb::ClaimEntry entry, Parse<pb::ClaimEntry>(bytes));
  return Claim{entry.case_id(), entry.salt()};
}

std::string EncodeNotice(const Statement& notice) {
  pb::NoticeEntry entry;
  entry.set_format(kFormat);
  entry.set_statement(EncodeStatement(notice));
  return entry.SerializeAsString();
}

absl::StatusOr<Statement> DecodeNotice(std::string_view bytes) {
  ASSIGN_OR_RETURN(const pb::NoticeEntry entry, Parse<pb::NoticeEntry>(bytes));
  return ReadStatement(entry.statement());
}

std::string EncodeResult(const AccountResult& result) {
  pb::ResultEntry entry;
  entry.set_format(kFormat);
  for (const ObjectRecord& object : result.storage.objects) {
    entry.add_objects(EncodeObjectRecord(object));
  }
  entry.set_manifest(EncodeStatement(result.storage.manifest));
  entry.set_storage_leaf(result.storage.leaf);
  entry.set_storage_receipt(result.storage.receipt);
  entry.set_storage_endorsement(EncodeStatement(result.storage.endorsement));
  entry.set_sealed_answer(result.custody.sealed_answer);
  entry.set_custody_leaf(result.custody.leaf);
  entry.set_custody_receipt(result.custody.receipt);
  return entry.SerializeAsString();
}

absl::StatusOr<AccountResult> DecodeResult(std::string_view bytes) {
  ASSIGN_OR_RETURN(const pb::ResultEntry entry, Parse<pb::ResultEntry>(bytes));
  AccountResult result;
  for (const std::string& object : entry.objects()) {
    absl::StatusOr<ObjectRecord> record = DecodeObjectRecord(object);
    if (!record.ok()) return Corrupt("a stored object record does not decode");
    result.storage.objects.push_back(*std::move(record));
  }
  ASSIGN_OR_RETURN(result.storage.manifest, ReadStatement(entry.manifest()));
  result.storage.leaf = entry.storage_leaf();
  result.storage.receipt = entry.storage_receipt();
  ASSIGN_OR_RETURN(result.storage.endorsement, ReadStatement(entry.storage_endorsement()));
  result.custody = {entry.sealed_answer(), entry.custody_leaf(), entry.custody_receipt()};
  return result;
}

}  // namespace comity::review
