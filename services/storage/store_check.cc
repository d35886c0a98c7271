#include "services/storage/store_check.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_check.h"
#include "services/storage/legal_store.h"
#include "services/storage/stored_account_store.h"
#include "services/storage/stored_commit.h"
#include "services/storage/stored_evidence.h"
#include "services/storage/stored_legal_store.h"
#include "services/storage/stored_migration_store.h"

namespace comity::storage {
namespace {

constexpr std::string_view kBuckets = "objects/";

class Checker final {
 public:
  explicit Checker(const StoreCheck& check) : check_(check), accounts_(&check.records, 0) {}

  absl::Status Run() {
    RETURN_IF_ERROR(ForEachPartition(check_.records, kAccountPartitions,
                                     [this](const std::string& name) { return Visit(name); }));
    RETURN_IF_ERROR(ForEachPartition(
        check_.records, kBuckets, [this](const std::string& name) { return CheckListed(name); }));
    const auto migrations = StoredMigrationStore(&check_.records).List();
    if (ReasonOf(migrations.status()) == Reason::kDataCorrupt) {
      check_.report.Violation("record", "migrations", CauseOf(migrations.status()));
      return absl::OkStatus();
    }
    return migrations.status();
  }

 private:
  absl::Status Visit(const std::string& partition) {
    const absl::StatusOr<AccountId> id =
        AccountId::Parse(std::string_view(partition).substr(kAccountPartitions.size()));
    if (!id.ok()) {
      check_.report.Violation("record", "partition " + partition, "it belongs to no account");
      return absl::OkStatus();
    }
    const std::string where = "account " + id->ToString();
    const absl::StatusOr<SnapshotPtr> account = accounts_.Load(*id);
    if (account.ok() && *account == nullptr) {
      check_.report.Violation("lost", where, "its own record is missing, and others are there");
      return absl::OkStatus();
    }
    if (ReasonOf(account.status()) == Reason::kDataCorrupt) {
      check_.report.Violation("record", where, CauseOf(account.status()));
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(account.status());
    for (const uint8_t bucket : (*account)->buckets) {
      listed_.insert(BucketPartition(*id, bucket));
    }
    ASSIGN_OR_RETURN(const StoredEvidence evidence, ReadEvidence(check_.records, *id));
    ASSIGN_OR_RETURN(CheckedObjects objects, CheckObjects(check_, **account));
    RETURN_IF_ERROR(CheckAccount(check_, **account, evidence, objects));
    TellAccount(check_, **account, evidence, objects);
    return CountOrphans(*id, std::move(objects.uploads));
  }

  // A put or an upload that a crash ended leaves blobs that nothing refers to; they are swept.
  absl::Status CountOrphans(const AccountId& id, std::set<std::string> referred) {
    const absl::StatusOr<std::vector<LegalUse>> uses =
        StoredLegalStore(&check_.records, &check_.blobs).List(id);
    if (!uses.ok()) return absl::OkStatus();  // told already, or gone with the data
    for (const LegalUse& use : *uses) {
      for (const StoredObject& object : use.answer.objects) {
        referred.insert(object.tree.extent.upload.text);
      }
    }
    std::set<std::string> orphans;
    RETURN_IF_ERROR(ForEachBlob(check_.blobs, BlobFolder(id), [&](const BlobStore::Entry& entry) {
      const std::optional<UploadId> upload = UploadOfBlob(id, entry.name);
      if (upload.has_value() && !referred.contains(upload->text)) orphans.insert(upload->text);
    }));
    if (!orphans.empty()) {
      check_.report.Note("blob", "account " + id.ToString(),
                         std::to_string(orphans.size()) +
                             " uploads were never finished; their blobs will be swept");
    }
    return absl::OkStatus();
  }

  // A bucket is listed in its account before its first use; what an account that was forgotten
  // leaves is a closed gate.
  absl::Status CheckListed(const std::string& partition) {
    if (listed_.contains(partition)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const StoredBucket bucket, ReadBucket(check_.records, partition));
    if (!bucket.objects.empty()) {
      check_.report.Violation("lost", "partition " + partition,
                              "it holds objects, and its account does not know of it");
    } else if (!bucket.gate.has_value() || bucket.gate->kind != GateKind::kFenced) {
      check_.report.Violation("gate", "partition " + partition,
                              "it can be written, and its account does not know of it");
    }
    return absl::OkStatus();
  }

  const StoreCheck& check_;
  StoredAccountStore accounts_;
  std::set<std::string> listed_;
};

}  // namespace

absl::Status CheckStorageStore(const StoreCheck& check) { return Checker(check).Run(); }

}  // namespace comity::storage
