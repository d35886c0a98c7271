#include "services/common/audit/audit_query.h"

#include <algorithm>

#include "services/common/audit/audit_files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kMaxLookedAt = 16 << 20;  // bytes
// A record stands in a block that was written soon after it, if the disk took it at once.
constexpr int64_t kLongestWaitMs = kHourMs;

bool Matches(const AuditFilter& filter, const AuditRecord& record) {
  if (record.time < filter.since) return false;
  if (filter.until != 0 && record.time >= filter.until) return false;
  if (filter.account.has_value() && record.account != filter.account) return false;
  if (!filter.method.empty() && record.method != filter.method) return false;
  switch (filter.kind) {
    case AuditFilter::Kind::kAll:
      return true;
    case AuditFilter::Kind::kRefused:
      return record.outcome != 0;
    case AuditFilter::Kind::kLegal:
      return record.authorisation.has_value();
  }
  return false;
}

// Nothing after the block was answered before `until`.
bool IsBeyond(const AuditBlock& block, UnixMillis until) {
  return until != 0 && block.time - kLongestWaitMs >= until &&
         std::ranges::all_of(block.records, [&](const auto& r) { return r.time >= until; });
}

}  // namespace

absl::StatusOr<AuditPage> QueryAudit(const std::string& directory, const AuditFilter& filter,
                                     uint64_t from, uint64_t end, size_t limit) {
  if (from == 0) {
    ASSIGN_OR_RETURN(from, FindAuditTime(directory, filter.since));
  }
  AuditPage page;
  page.next = from;
  bool stopped = false;
  size_t looked_at = 0;
  const auto take = [&](const ReadAuditBlock& read) {
    stopped = true;
    if (IsBeyond(read.block, filter.until)) return false;
    page.more = true;
    if (looked_at > kMaxLookedAt) return false;
    looked_at += read.size;
    uint64_t number = read.block.first;
    for (const AuditRecord& record : read.block.records) {
      if (number >= from && Matches(filter, record)) {
        if (page.records.size() == limit) return false;
        page.records.push_back({number, record});
      }
      page.next = std::max(from, ++number);
    }
    stopped = page.more = false;
    return true;
  };
  RETURN_IF_ERROR(ReadAuditBlocks(directory, from, take));
  if (!stopped && page.next < end) {
    return Refuse(Reason::kDataCorrupt,
                  "record " + std::to_string(page.next) + " is damaged or missing");
  }
  return page;
}

}  // namespace comity
