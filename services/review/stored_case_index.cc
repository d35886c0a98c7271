#include "services/review/stored_case_index.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/case_id.h"
#include "services/review/stored_codec.h"
#include "services/review/stored_records.h"

namespace comity::review {
namespace {

constexpr size_t kScanPage = 1'000;
constexpr std::string_view kList = "review/list/";
constexpr size_t kMonthSize = 6;
constexpr char kPresent[] = "1";  // there are no empty values

std::string_view TraitName(SharedTrait trait) {
  switch (trait) {
    case SharedTrait::kReference:
      return "reference";
    case SharedTrait::kInstrument:
      return "instrument";
    case SharedTrait::kGround:
      return "ground";
    case SharedTrait::kAuthority:
      return "authority";
  }
  return "";
}

std::string RequestPartition(const std::string& name) {
  return "review/requests/" + name.substr(0, 2);
}
std::string SharedPartition(const std::string& name) {
  return "review/shared/" + name.substr(0, 2);
}
std::string ClaimPlace(const std::string& name) { return "comity review claim v1 " + name; }

// Text order is newest first.
std::string Backwards(UnixMillis time) {
  return HexNumber(std::numeric_limits<uint64_t>::max() - static_cast<uint64_t>(time));
}

// Puts a key that has no value to speak of; putting it again changes nothing.
absl::Status PutPresent(RecordStore& records, const std::string& partition,
                        const std::string& key) {
  return CommitRecords(records, partition, {}, {Mutation::Put(key, kPresent)});
}

// The part after the last slash.
std::string_view LastPart(std::string_view key) { return key.substr(key.rfind('/') + 1); }

}  // namespace

absl::StatusOr<std::optional<Claim>> StoredCaseIndex::FindClaim(const Digest& request) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::string name = key->IndexName("request", request.bytes());
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(RequestPartition(name), {name}));
  const std::string* sealed = snapshot.Find(name);
  if (sealed == nullptr) return std::optional<Claim>();
  ASSIGN_OR_RETURN(const std::string bytes, key->Open(*sealed, ClaimPlace(name)));
  ASSIGN_OR_RETURN(Claim claim, DecodeClaim(bytes));
  return std::optional<Claim>(std::move(claim));
}

absl::StatusOr<Claim> StoredCaseIndex::MakeClaim(const Digest& request, const Claim& proposed) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  ASSIGN_OR_RETURN(std::optional<Claim> known, FindClaim(request));
  if (known.has_value()) return *std::move(known);
  const std::string name = key->IndexName("request", request.bytes());
  const absl::Status put =
      CommitRecords(*records_, RequestPartition(name), {Precondition::KeyAbsent(name)},
                    {Mutation::Put(name, key->Seal(EncodeClaim(proposed), ClaimPlace(name)))});
  if (put.ok()) return proposed;
  if (ReasonOf(put) != Reason::kConflict) return put;
  ASSIGN_OR_RETURN(known, FindClaim(request));
  if (!known.has_value()) return put;
  return *std::move(known);
}

absl::StatusOr<std::vector<std::string>> StoredCaseIndex::FindShared(SharedTrait trait,
                                                                     std::string_view value,
                                                                     UnixMillis since) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::string name = key->IndexName(TraitName(trait), value);
  std::vector<std::string> ids;
  std::string begin = name + "/" + HexNumber(static_cast<uint64_t>(since));
  const std::string end = name + "0";  // '0' follows '/'
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(const ScanPage page,
                     records_->Scan(SharedPartition(name), begin, end, kScanPage));
    for (const auto& [entry, present] : page.items) ids.emplace_back(LastPart(entry));
    more = page.more;
    if (more) begin = page.items.back().first + '\0';
  }
  return ids;
}

absl::Status StoredCaseIndex::AddShared(SharedTrait trait, std::string_view value,
                                        UnixMillis received, std::string_view case_id) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const CaseKey> key, keys_->Get());
  const std::string name = key->IndexName(TraitName(trait), value);
  return PutPresent(
      *records_, SharedPartition(name),
      name + "/" + HexNumber(static_cast<uint64_t>(received)) + "/" + std::string(case_id));
}

absl::Status StoredCaseIndex::AddListing(std::string_view case_id, UnixMillis received) {
  return PutPresent(*records_, std::string(kList) + MonthOf(received),
                    Backwards(received) + "/" + std::string(case_id));
}

absl::StatusOr<std::vector<std::string>> StoredCaseIndex::ListMonths() {
  std::vector<std::string> months;
  std::string cursor;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<std::string> partitions,
                     records_->Partitions(kList, cursor, kScanPage));
    for (const std::string& partition : partitions) {
      cursor = std::max(cursor, partition);
      months.push_back(partition.substr(kList.size()));
    }
    if (partitions.size() < kScanPage) break;
  }
  std::ranges::sort(months, std::greater<>());
  return months;
}

absl::StatusOr<std::vector<ListingEntry>> StoredCaseIndex::List(std::string_view cursor,
                                                                size_t limit) {
  // "<yyyymm>/<key>"
  std::string from_month;
  std::string from_key;
  if (!cursor.empty()) {
    if (cursor.size() < kMonthSize + 2 || cursor.size() > kMaxKeyBytes ||
        cursor[kMonthSize] != '/') {
      return Refuse(Reason::kPageTokenInvalid);
    }
    from_month = std::string(cursor.substr(0, kMonthSize));
    from_key = std::string(cursor.substr(kMonthSize + 1)) + '\0';
  }
  std::vector<ListingEntry> entries;
  ASSIGN_OR_RETURN(const std::vector<std::string> months, ListMonths());
  for (const std::string& month : months) {
    if (!from_month.empty() && month > from_month) continue;
    std::string begin = month == from_month ? from_key : std::string("0");
    for (bool more = true; more && entries.size() < limit;) {
      ASSIGN_OR_RETURN(const ScanPage page,
                       records_->Scan(std::string(kList) + month, begin, "",
                                      std::min(kScanPage, limit - entries.size())));
      for (const auto& [key, present] : page.items) {
        entries.push_back({std::string(LastPart(key)), month + "/" + key});
      }
      more = page.more;
      if (more) begin = page.items.back().first + '\0';
    }
    if (entries.size() >= limit) break;
  }
  return entries;
}

}  // namespace comity::review
