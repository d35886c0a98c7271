#ifndef COMITY_STORAGE_STORED_MIGRATION_STORE_H_
#define COMITY_STORAGE_STORED_MIGRATION_STORE_H_

#include <vector>

#include "services/common/store/record_store.h"
#include "services/storage/migrations.h"

namespace comity::storage {

// MigrationStore over the partition "service/migrations": one key "<time>/<id>" for each, so that
// they come in order of time.
class StoredMigrationStore final : public MigrationStore {
 public:
  // `records` outlives the store.
  explicit StoredMigrationStore(RecordStore* records) : records_(records) {}

  absl::StatusOr<std::vector<Migration>> List() override;
  absl::Status Put(const Migration& migration) override;

 private:
  RecordStore* const records_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_MIGRATION_STORE_H_
