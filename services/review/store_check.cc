#include "services/review/store_check.h"

#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "services/common/statement/leaf.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/report_fields.h"
#include "services/common/status/macros.h"
#include "services/review/case_id.h"
#include "services/review/stored_records.h"

namespace comity::review {
namespace {

constexpr std::string_view kPartitions = "review/";
constexpr std::string_view kList = "review/list/";
constexpr std::string_view kResults = "review/results/";

struct SeenCase {
  bool record = false;
  std::optional<uint64_t> revision;
};

class Checker final {
 public:
  explicit Checker(const StoreCheck& check) : check_(check) {}

  absl::Status Run() {
    RETURN_IF_ERROR(ForEachPartition(check_.records, kPartitions, [this](const std::string& name) {
      if (name.starts_with(kList)) return ReadListing(name);
      // The months are the only numbers in the second place.
      const bool month = std::isdigit(static_cast<unsigned char>(name[kPartitions.size()])) != 0;
      return month ? ReadCases(name) : absl::OkStatus();
    }));
    RETURN_IF_ERROR(ReadResults());
    for (const auto& [id, seen] : cases_) CheckCase(id, seen);
    CheckDue();
    CheckRecordKey();
    CountLogged();
    return absl::OkStatus();
  }

 private:
  void Wrong(std::string_view rule, const std::string& id, std::string_view what) const {
    check_.report.Violation(rule, "case " + id, what);
  }

  absl::Status ReadCases(const std::string& partition) {
    return ForEachRecord(check_.records, partition, "", "",
                         [&](const std::string& key, const std::string& value) {
                           TakeRecord(partition, key, value);
                         });
  }

  void TakeRecord(const std::string& partition, const std::string& key, const std::string& value) {
    const size_t slash = key.rfind('/');
    const std::string kind = key.substr(0, key.find('/'));
    const std::string id = slash == std::string::npos ? "" : key.substr(slash + 1);
    const std::optional<CasePlace> place = ParseCaseId(check_.region, id);
    if (!place.has_value() ||
        std::string(kPartitions) + place->month + "/" + place->bucket != partition) {
      check_.report.Violation("record", "partition " + partition,
                              "the record \"" + key + "\" belongs to nothing");
    } else if (kind == "case") {
      cases_[id].record = true;
    } else if (kind == "rev") {
      cases_[id].revision = ParseHexNumber(value);
    } else if (kind == "due") {
      due_.insert(id);
    }
  }

  absl::Status ReadListing(const std::string& partition) {
    return ForEachRecord(check_.records, partition, "", "",
                         [&](const std::string& key, const std::string&) {
                           const std::string id = key.substr(key.rfind('/') + 1);
                           listed_.insert(id);
                         });
  }

  absl::Status ReadResults() {
    return ForEachBlob(check_.blobs, kResults, [this](const BlobStore::Entry& entry) {
      const std::string rest = entry.name.substr(kResults.size());
      const size_t slash = rest.find('/');
      if (slash == std::string::npos || !Digest::Parse(rest.substr(slash + 1)).ok()) {
        check_.report.Violation("record", "blob " + entry.name, "it belongs to nothing");
        return;
      }
      results_[rest.substr(0, slash)].push_back(rest.substr(slash + 1));
    });
  }

  void CheckCase(const std::string& id, const SeenCase& seen) {
    if (!seen.record) Wrong("lost", id, "its record is missing, and its revision is there");
    if (!seen.revision.has_value()) Wrong("lost", id, "its revision is missing");
    // The listing is written first.
    if (listed_.erase(id) == 0) Wrong("lost", id, "it is not in the list of cases");
    nlohmann::json fact = {{"case", id},
                           {"revision", seen.revision.value_or(0)},
                           {"results", nlohmann::json::array()}};
    if (const auto results = results_.find(id); results != results_.end()) {
      fact["results"] = results->second;
      results_.erase(results);
    }
    check_.report.Fact("review-case", std::move(fact));
  }

  void CheckDue() {
    for (const std::string& id : due_) {
      if (!cases_.contains(id)) Wrong("lost", id, "it falls due, and its record is missing");
    }
    for (const auto& [id, results] : results_) {
      Wrong("lost", id, "there are results of it, and its record is missing");
    }
    for (const std::string& id : listed_) {
      check_.report.Note("record", "case " + id, "it is listed and was never written");
    }
  }

  void CheckRecordKey() {
    const absl::StatusOr<Snapshot> kept = check_.records.Get("service/review-key", {"record-key"});
    if (kept.ok() && kept->Find("record-key") == nullptr && !cases_.empty()) {
      check_.report.Violation("key", "record key",
                              "its wrap is missing, so that no case can be opened");
    }
  }

  // A change of a case is logged before it is recorded, and the next change is made on the record:
  // a case with two leaves has been on disk.
  void CountLogged() {
    if (check_.log == nullptr) return;
    std::map<std::string, uint64_t> changes;
    uint64_t grants = 0;
    for (const std::string& bytes : check_.log->leaves) {
      const absl::StatusOr<Leaf> leaf = DecodeLeaf(bytes);
      if (!leaf.ok()) continue;
      grants += leaf->type == Grant::kType ? 1 : 0;
      const auto tag = leaf->clear.find(std::string(report_fields::kCaseTag));
      const bool change = leaf->type == report_fields::kReceived ||
                          leaf->type == report_fields::kState ||
                          leaf->type == report_fields::kOutcome;
      if (change && tag != leaf->clear.end()) ++changes[tag->second];
    }
    uint64_t kept = 0;
    for (const auto& [tag, count] : changes) kept += count > 1 ? 1 : 0;
    if (kept > cases_.size()) {
      check_.report.Violation("lost", "cases",
                              "the log tells of " + std::to_string(kept) +
                                  " cases that went on, and " + std::to_string(cases_.size()) +
                                  " are kept");
    }
    check_.report.Fact("review-log", {{"cases", changes.size()}, {"grants", grants}});
  }

  const StoreCheck& check_;
  std::map<std::string, SeenCase> cases_;
  std::set<std::string> due_;
  std::set<std::string> listed_;
  std::map<std::string, std::vector<std::string>> results_;
};

}  // namespace

absl::Status CheckReviewStore(const StoreCheck& check) { return Checker(check).Run(); }

}  // namespace comity::review
