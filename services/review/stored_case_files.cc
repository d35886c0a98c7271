#include "services/review/stored_case_files.h"

#include <string>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/stored_codec.h"
#include "services/review/stored_records.h"

namespace comity::review {
namespace {

constexpr size_t kScanPage = 1'000;

std::string NoticePartition(const AccountId& account) {
  return "review/notices/" + account.ToString();
}
std::string NoticePlace(const AccountId& account, const std::string& name) {
  return "comity review notice v1 " + account.ToString() + " " + name;
}
std::string ResultName(std::string_view case_id, const Digest& authorisation) {
  return "review/results/" + std::string(case_id) + "/" + authorisation.ToString();
}
std::string ResultPlace(const std::string& name) { return "comity review result v1 " + name; }

}  // namespace

absl::Status StoredNoticeStore::Put(const AccountId& account, std::string_view case_id,
                                    std::string_view slot, const Statement& notice) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::string name = std::string(case_id) + "/" + std::string(slot);
  return CommitRecords(
      *records_, NoticePartition(account), {},
      {Mutation::Put(name, key->Seal(EncodeNotice(notice), NoticePlace(account, name)))});
}

absl::StatusOr<std::vector<Statement>> StoredNoticeStore::List(const AccountId& account) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  std::vector<Statement> notices;
  std::string begin("0");
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(const ScanPage page,
                     records_->Scan(NoticePartition(account), begin, "", kScanPage));
    for (const auto& [name, sealed] : page.items) {
      ASSIGN_OR_RETURN(const std::string bytes, key->Open(sealed, NoticePlace(account, name)));
      ASSIGN_OR_RETURN(Statement notice, DecodeNotice(bytes));
      notices.push_back(std::move(notice));
    }
    more = page.more;
    if (more) begin = page.items.back().first + '\0';
  }
  return notices;
}

absl::StatusOr<std::optional<AccountResult>> StoredResultStore::Find(std::string_view case_id,
                                                                     const Digest& authorisation) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::string name = ResultName(case_id, authorisation);
  const absl::StatusOr<std::string> sealed = blobs_->Get(name);
  if (ReasonOf(sealed.status()) == Reason::kObjectNotFound) return std::optional<AccountResult>();
  RETURN_IF_ERROR(sealed.status());
  ASSIGN_OR_RETURN(const std::string bytes, key->Open(*sealed, ResultPlace(name)));
  ASSIGN_OR_RETURN(AccountResult result, DecodeResult(bytes));
  return std::optional<AccountResult>(std::move(result));
}

absl::Status StoredResultStore::Keep(std::string_view case_id, const Digest& authorisation,
                                     const AccountResult& result) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::string name = ResultName(case_id, authorisation);
  const std::string sealed = key->Seal(EncodeResult(result), ResultPlace(name));
  if (sealed.size() > kMaxBlobBytes) {
    return Refuse(Reason::kMessageTooLarge, "the answers do not fit");
  }
  const absl::Status kept = blobs_->PutIfAbsentOrEqual(name, sealed);
  // Sealed twice, the same answer is other bytes: the first one stays.
  return ReasonOf(kept) == Reason::kConflict ? absl::OkStatus() : kept;
}

}  // namespace comity::review
