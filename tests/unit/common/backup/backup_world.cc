#include "tests/unit/common/backup/backup_world.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/store/open.h"
#include "tests/testing/matchers.h"

namespace comity {

Contents ContentsOf(RecordStore& store) {
  Contents contents;
  std::string cursor;
  while (true) {
    const std::vector<std::string> names = store.Partitions("", cursor, 100).value();
    if (names.empty()) return contents;
    for (const std::string& name : names) {
      cursor = name;
      auto& records = contents[name];
      std::string begin;
      while (true) {
        const ScanPage page = store.Scan(name, begin, "", 100, std::nullopt).value();
        for (const auto& [key, value] : page.items) records.emplace(key, value);
        if (!page.more) break;
        begin = page.items.back().first + '\0';
      }
    }
  }
}

Contents WithoutOpening(Contents contents) {
  contents.erase("service/backup");
  return contents;
}

BackupWorld::BackupWorld() {
  EXPECT_THAT(MakePrivateFolders(directory() + "/store"), IsOk());
  EXPECT_THAT(MakePrivateFolders(directory() + "/identity"), IsOk());
}

BackupOptions BackupWorld::options() {
  return {.folder = folder(),
          .deployment = "test",
          .region = *RegionId::Create("us"),
          .identity = directory() + "/identity",
          .opening_files = {"seal"},
          .left_out = {"root.key"},
          .audit = directory() + "/audit",
          .clock = &clock,
          .progress = [this](uint64_t) { ++told; }};
}

absl::Status BackupWorld::Start(const Wrap& wrap) {
  OpenOwn();
  std::shared_ptr<RecordStore> records = wrap ? wrap(own_records_) : own_records_;
  ASSIGN_OR_RETURN(backup_, Backup::Open(options(), std::move(records), own_blobs_));
  key_ = backup_->key().Clone();
  return absl::OkStatus();
}

void BackupWorld::StartAlone() {
  OpenOwn();
  EXPECT_THAT(Backup::LeaveBehind(*own_records_), IsOk());
}

void BackupWorld::Close() {
  EXPECT_THAT(backup_->Close(), IsOk());
  Stop();
}

void BackupWorld::OpenOwn() {
  Stop();
  own_records_ = OpenRocksRecordStore(directory() + "/store").value();
  own_blobs_ = OpenFileBlobStore(directory() + "/store").value();
}

void BackupWorld::Stop() {
  backup_.reset();
  own_records_.reset();
  own_blobs_.reset();
}

absl::Status BackupWorld::Change(const std::string& partition,
                                 const std::vector<Mutation>& mutations) {
  return records().Commit(partition, RandomId<RequestId>(), {}, mutations).status();
}

absl::StatusOr<BackupReader::Totals> BackupWorld::Restore() {
  Stop();
  std::filesystem::remove_all(Restored());
  ASSIGN_OR_RETURN(const std::unique_ptr<BackupReader> reader, BackupReader::Open(folder()));
  return reader->Restore(key_, Restored(), nullptr);
}

Contents BackupWorld::StoredIn(const std::string& directory) {
  const std::unique_ptr<RecordStore> store = OpenRocksRecordStore(directory + "/store").value();
  return ContentsOf(*store);
}

}  // namespace comity
