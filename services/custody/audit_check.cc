#include "services/custody/audit_check.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/hash/hash.h"

#include "services/common/audit/audit_files.h"
#include "services/common/audit/audit_head.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr char kRule[] = "audit";
constexpr char kWhere[] = "audit log";

// What the log says of the newest block at several times, in order.
struct Head {
  UnixMillis day = 0;
  Digest hash;
};
std::vector<Head> HeadsIn(const VerifiedLog& log) {
  std::vector<Head> heads;
  for (const std::string& bytes : log.leaves) {
    const absl::StatusOr<Leaf> leaf = DecodeLeaf(bytes);
    if (!leaf.ok()) continue;
    if (const std::optional<Digest> head = AuditHeadOf(*leaf)) heads.push_back({leaf->day, *head});
  }
  return heads;
}

}  // namespace

absl::Status CheckAudit(const StoreCheck& check) {
  const std::vector<Head> heads = check.log == nullptr ? std::vector<Head>() : HeadsIn(*check.log);
  // Number of the record after the block; 0: not found.
  std::unordered_map<Digest, uint64_t, absl::Hash<Digest>> stood;
  for (const Head& head : heads) stood[head.hash] = 0;
  uint64_t first = 0;
  uint64_t next = 0;
  const absl::Status read =
      ReadAuditBlocks(check.directory + "/audit", 1, [&](const ReadAuditBlock& block) {
        if (first == 0) first = block.block.first;
        next = block.block.end();
        if (const auto head = stood.find(block.hash); head != stood.end()) head->second = next;
        return true;
      });
  if (ReasonOf(read) == Reason::kDataCorrupt) {
    check.report.Violation(kRule, kWhere, CauseOf(read));
    return absl::OkStatus();
  }
  if (!read.ok()) return read;
  check.report.Fact("audit", {{"first", first}, {"records", next - first}});
  uint64_t reached = 0;
  for (const Head& head : heads) {
    const uint64_t at = stood.at(head.hash);
    // Of what need not be kept any more nothing can be said.
    if (at == 0 && head.day < check.now - check.audit_keep_ms) continue;
    if (at < reached || at == 0) {
      check.report.Violation(kRule, kWhere,
                             "it does not hold what the log says it held on " +
                                 FormatDay(head.day) + ": block " + head.hash.ToString());
      return absl::OkStatus();
    }
    reached = at;
  }
  return absl::OkStatus();
}

}  // namespace comity::custody
