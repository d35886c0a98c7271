#include "services/common/check/store_check.h"

#include <vector>

#include "services/common/log/transparency_log.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kPage = 1'000;

}  // namespace

void StoreCheck::ExpectLeaf(uint64_t index, std::string_view leaf, std::string_view where) const {
  if (log == nullptr) return;
  const std::string entry = "entry " + std::to_string(index) + " of the log";
  if (index >= log->leaves.size()) {
    report.Violation("leaf", where, "a record claims " + entry + ", which ends before it");
  } else if (log->leaves[index] != leaf) {
    report.Violation("leaf", where, "a record claims " + entry + ", where another leaf stands");
  }
}

void StoreCheck::ExpectReceipt(const std::string& receipt, std::string_view leaf,
                               std::string_view where) const {
  const absl::StatusOr<LogReceipt> parsed = ParseReceipt(receipt);
  if (!parsed.ok() || !VerifyReceipt(*parsed, leaf, log_origin, log_key).ok()) {
    report.Violation("leaf", where, "the receipt of its leaf does not verify");
    return;
  }
  ExpectLeaf(parsed->index, leaf, where);
}

absl::Status ForEachPartition(RecordStore& records, std::string_view prefix,
                              const std::function<absl::Status(const std::string&)>& visit) {
  std::string cursor;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<std::string> page,
                     records.Partitions(prefix, cursor, kPage));
    for (const std::string& name : page) RETURN_IF_ERROR(visit(name));
    if (page.size() < kPage) return absl::OkStatus();
    cursor = page.back();
  }
}

absl::Status ForEachRecord(
    RecordStore& records, std::string_view partition, std::string_view begin, std::string_view end,
    const std::function<void(const std::string& key, const std::string& value)>& visit) {
  std::string from(begin);
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(const ScanPage page, records.Scan(partition, from, end, kPage));
    for (const auto& [key, value] : page.items) visit(key, value);
    more = page.more;
    if (more) from = page.items.back().first + '\0';
  }
  return absl::OkStatus();
}

absl::Status ForEachBlob(BlobStore& blobs, std::string_view prefix,
                         const std::function<void(const BlobStore::Entry&)>& visit) {
  std::string cursor;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<BlobStore::Entry> page, blobs.List(prefix, cursor, kPage));
    for (const BlobStore::Entry& entry : page) visit(entry);
    if (page.size() < kPage) return absl::OkStatus();
    cursor = page.back().name;
  }
}

}  // namespace comity
