#include "services/storage/stored_migration_store.h"

#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "comity/storage/store/v1/store.pb.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/stored_commit.h"

namespace comity::storage {
namespace {

constexpr char kPartition[] = "service/migrations";

std::string KeyOf(const Migration& migration) {
  std::array<char, 18> time;
  std::snprintf(time.data(), time.size(), "%016llx/",
                static_cast<unsigned long long>(migration.time));
  return time.data() + migration.id.ToString();
}

absl::StatusOr<Migration> Decode(const std::string& bytes) {
  store::v1::MigrationEntry entry;
  Migration migration;
  if (!entry.ParseFromString(bytes) || entry.format() != 1) {
    return Refuse(Reason::kDataCorrupt, "a migration is not what was written");
  }
  ASSIGN_OR_RETURN(migration.id, RequestId::FromBytes(entry.id()));
  if (!entry.destination().empty()) {
    ASSIGN_OR_RETURN(migration.destination, RegionId::Create(entry.destination()));
  }
  migration.time = entry.time_ms();
  migration.max_accounts = entry.max_accounts();
  migration.accounts = entry.accounts();
  migration.enrolled = entry.enrolled();
  return migration;
}

}  // namespace

absl::StatusOr<std::vector<Migration>> StoredMigrationStore::List() {
  std::vector<Migration> migrations;
  std::string begin;
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(const ScanPage page, records_->Scan(kPartition, begin, "", 1000));
    for (const auto& [key, value] : page.items) {
      ASSIGN_OR_RETURN(Migration migration, Decode(value));
      migrations.push_back(std::move(migration));
    }
    more = page.more;
    if (more) begin = page.items.back().first + '\0';
  }
  return migrations;
}

absl::Status StoredMigrationStore::Put(const Migration& migration) {
  store::v1::MigrationEntry entry;
  entry.set_format(1);
  entry.set_id(std::string(migration.id.bytes()));
  entry.set_time_ms(migration.time);
  if (migration.destination.has_value()) entry.set_destination(migration.destination->name());
  entry.set_max_accounts(migration.max_accounts);
  entry.set_accounts(migration.accounts);
  entry.set_enrolled(migration.enrolled);
  return CommitRecords(*records_, kPartition, {},
                       {Mutation::Put(KeyOf(migration), entry.SerializeAsString())});
}

}  // namespace comity::storage
