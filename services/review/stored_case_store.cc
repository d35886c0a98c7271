#include "services/review/stored_case_store.h"

#include <algorithm>
#include <string>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/case_id.h"
#include "services/review/stored_codec.h"
#include "services/review/stored_records.h"
#include "services/review/timers.h"

namespace comity::review {
namespace {

constexpr size_t kScanPage = 1'000;
constexpr std::string_view kPartitions = "review/";
constexpr std::string_view kDue = "due/";
constexpr std::string_view kDueEnd = "due0";  // '0' follows '/'
constexpr char kKeyPartition[] = "service/review-key";
constexpr char kRecordKey[] = "record-key";

std::string Partition(const CasePlace& place) {
  return std::string(kPartitions) + place.month + "/" + place.bucket;
}
// "review/201803/0a"; the other partitions below "review/" have words in the second place.
bool HoldsCases(std::string_view partition) {
  constexpr size_t kSize = 7 + 6 + 1 + 2;
  return partition.size() == kSize &&
         std::ranges::all_of(partition.substr(7, 6), [](char c) { return c >= '0' && c <= '9'; });
}
std::string CaseName(std::string_view id) { return "case/" + std::string(id); }
std::string RevisionName(std::string_view id) { return "rev/" + std::string(id); }
std::string DueName(UnixMillis due, std::string_view id) {
  return std::string(kDue) + HexNumber(static_cast<uint64_t>(due)) + "/" + std::string(id);
}
// What is sealed as one case opens as no other.
std::string SealPlace(std::string_view id) { return "comity review case v1 " + std::string(id); }

}  // namespace

absl::StatusOr<std::optional<StoredCase>> StoredCaseStore::Find(std::string_view case_id) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::optional<CasePlace> place = ParseCaseId(region_, case_id);
  if (!place.has_value()) return std::optional<StoredCase>();
  ASSIGN_OR_RETURN(const Snapshot snapshot,
                   records_->Get(Partition(*place), {CaseName(case_id), RevisionName(case_id)}));
  const std::string* sealed = snapshot.Find(CaseName(case_id));
  const std::string* revision = snapshot.Find(RevisionName(case_id));
  if (sealed == nullptr && revision == nullptr) return std::optional<StoredCase>();
  const std::optional<uint64_t> number =
      revision == nullptr ? std::nullopt : ParseHexNumber(*revision);
  if (sealed == nullptr || !number.has_value()) {
    return Refuse(Reason::kDataCorrupt, "a case without its record or revision");
  }
  ASSIGN_OR_RETURN(const std::string bytes, key->Open(*sealed, SealPlace(case_id)));
  ASSIGN_OR_RETURN(Case value, DecodeCase(case_id, bytes));
  return StoredCase{std::move(value), *number};
}

absl::StatusOr<StoredCase> StoredCaseStore::Write(const StoredCase& before, Case after) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::optional<CasePlace> place = ParseCaseId(region_, after.id);
  if (!place.has_value()) return Refuse(Reason::kInternal, "not a case id");
  const uint64_t revision = before.revision + 1;
  const std::string revision_name = RevisionName(after.id);
  std::vector<Precondition> preconditions;
  std::vector<Mutation> mutations;
  if (before.revision == 0) {
    preconditions.push_back(Precondition::KeyAbsent(revision_name));
  } else {
    preconditions.push_back(Precondition::ValueIs(revision_name, HexNumber(before.revision)));
    if (const auto due = NextDue(before.value)) {
      mutations.push_back(Mutation::Delete(DueName(*due, after.id)));
    }
  }
  mutations.push_back(
      Mutation::Put(CaseName(after.id), key->Seal(EncodeCase(after), SealPlace(after.id))));
  mutations.push_back(Mutation::Put(revision_name, HexNumber(revision)));
  if (const auto due = NextDue(after)) {
    mutations.push_back(Mutation::Put(DueName(*due, after.id), after.id));
  }
  RETURN_IF_ERROR(CommitRecords(*records_, Partition(*place), preconditions, mutations));
  return StoredCase{std::move(after), revision};
}

absl::StatusOr<std::vector<std::pair<UnixMillis, std::string>>> StoredCaseStore::ListDue() {
  std::vector<std::pair<UnixMillis, std::string>> due;
  std::string cursor;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<std::string> partitions,
                     records_->Partitions(kPartitions, cursor, kScanPage));
    for (const std::string& partition : partitions) {
      cursor = std::max(cursor, partition);
      if (!HoldsCases(partition)) continue;
      std::string begin(kDue);
      for (bool more = true; more;) {
        ASSIGN_OR_RETURN(const ScanPage page, records_->Scan(partition, begin, kDueEnd, kScanPage));
        for (const auto& [name, id] : page.items) {
          const auto time = ParseHexNumber(std::string_view(name).substr(kDue.size(), 16));
          if (!time.has_value()) return Refuse(Reason::kDataCorrupt, "a due key that is none");
          due.emplace_back(static_cast<UnixMillis>(*time), id);
        }
        more = page.more;
        if (more) begin = page.items.back().first + '\0';
      }
    }
    if (partitions.size() < kScanPage) return due;
  }
}

absl::StatusOr<std::optional<std::string>> StoredWrappedKeyStore::Load() {
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(kKeyPartition, {kRecordKey}));
  const std::string* wrapped = snapshot.Find(kRecordKey);
  return wrapped == nullptr ? std::optional<std::string>() : std::optional<std::string>(*wrapped);
}

absl::Status StoredWrappedKeyStore::Keep(const std::string& wrapped) {
  return CommitRecords(*records_, kKeyPartition, {Precondition::KeyAbsent(kRecordKey)},
                       {Mutation::Put(kRecordKey, wrapped)});
}

}  // namespace comity::review
