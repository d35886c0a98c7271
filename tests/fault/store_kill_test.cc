#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/backup/backup_reader.h"
#include "services/common/store/open.h"
#include "tests/fault/store_commit_loop.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

// store_commit_loop in a process of its own, with what it reported.
class LoopProcess final {
 public:
  // With a backup where a folder for it is named.
  LoopProcess(const std::string& directory, uint64_t first_request,
              const std::string& backup = "") {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = COMITY_STORE_COMMIT_LOOP;
    std::string folder = directory;
    std::string request = std::to_string(first_request);
    std::string copy = backup;
    std::array<char*, 5> arguments = {program.data(), folder.data(), request.data(),
                                      copy.empty() ? nullptr : copy.data(), nullptr};
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    out_ = ends[0];
  }
  LoopProcess(const LoopProcess&) = delete;
  LoopProcess& operator=(const LoopProcess&) = delete;
  ~LoopProcess() { close(out_); }

  // Kills it once it has reported `lines` lines, and gives all that it reported.
  std::string KillAfter(size_t lines) {
    std::string reported;
    std::array<char, 4096> buffer;
    bool killed = false;
    for (ssize_t n; (n = read(out_, buffer.data(), buffer.size())) > 0;) {
      reported.append(buffer.data(), static_cast<size_t>(n));
      if (killed) continue;
      if (static_cast<size_t>(std::count(reported.begin(), reported.end(), '\n')) < lines) continue;
      EXPECT_EQ(kill(pid_, SIGKILL), 0);
      killed = true;
    }
    EXPECT_TRUE(killed) << "it ended by itself";
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return reported;
  }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

struct Acknowledged {
  std::map<int, std::pair<uint64_t, PartitionVersion>> last;  // by thread: n and version
  std::set<std::pair<int, uint64_t>> blobs;                   // thread and n

  void Add(const std::string& reported) {
    std::istringstream in(reported);
    for (std::string kind; in >> kind;) {
      int thread;
      uint64_t n;
      in >> thread >> n;
      if (kind == "record") {
        PartitionVersion version;
        in >> version;
        last[thread] = {n, version};
      } else {
        blobs.insert({thread, n});
      }
    }
  }
};

// Versions are those of the store that was killed; a restored one has others, which are greater.
enum class Versions { kSame, kGreater };

void VerifyRecords(RecordStore& store, const Acknowledged& acknowledged,
                   Versions versions = Versions::kSame) {
  for (int thread = 0; thread < kLoopThreads; ++thread) {
    SCOPED_TRACE("thread " + std::to_string(thread));
    ASSERT_OK_AND_ASSIGN(ScanPage page, store.Scan(LoopPartition(thread), "", "", 100));
    const std::map<std::string, std::string> values(page.items.begin(), page.items.end());
    const auto last = acknowledged.last.find(thread);
    const auto [n_told, version_told] =
        last == acknowledged.last.end() ? std::pair<uint64_t, PartitionVersion>{} : last->second;
    const uint64_t n = values.contains("n") ? std::stoull(values.at("n")) : 0;
    // One commit can have been made without the chance to report it.
    EXPECT_TRUE(n == n_told || n == n_told + 1) << n << " after " << n_told;
    const bool same = n == n_told && versions == Versions::kSame;
    EXPECT_TRUE(same ? page.version == version_told : page.version > version_told || n == 0);
    for (uint64_t i = n; i > 0 && i + kLoopKeys > n; --i) {
      EXPECT_EQ(values.at(LoopKey(i)), std::to_string(i));
    }
  }
}

void VerifyBlobs(BlobStore& store, const Acknowledged& acknowledged) {
  for (const auto& [thread, n] : acknowledged.blobs) {
    EXPECT_THAT(store.Get(LoopBlobName(thread, n)), IsOkAndHolds(LoopBlobBytes(thread, n)));
  }
  size_t listed = 0;
  std::string cursor;
  while (true) {
    ASSERT_OK_AND_ASSIGN(std::vector<BlobStore::Entry> page, store.List("", cursor, 1000));
    if (page.empty()) break;
    listed += page.size();
    cursor = page.back().name;
  }
  EXPECT_GE(listed, acknowledged.blobs.size());
}

TEST(StoreKillTest, NothingAcknowledgedIsLostWhenTheProcessIsKilledAtAnyMoment) {
  std::mt19937_64 random(20'180'228);
  const TempDir directory;
  Acknowledged acknowledged;
  for (uint64_t round = 0; round < 12; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::string reported =
        LoopProcess(directory.path(), round * 1'000'000'000).KillAfter(random() % 400 + 1);
    acknowledged.Add(reported);

    ASSERT_OK_AND_ASSIGN(std::unique_ptr<RecordStore> records,
                         OpenRocksRecordStore(directory.path()));
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> blobs, OpenFileBlobStore(directory.path()));
    VerifyRecords(*records, acknowledged);
    VerifyBlobs(*blobs, acknowledged);
    EXPECT_TRUE(std::filesystem::is_empty(directory.path() + "/blobs/temp"));
    if (HasFailure()) return;
    // What was made but never told of counts from here on.
    for (int thread = 0; thread < kLoopThreads; ++thread) {
      ASSERT_OK_AND_ASSIGN(Snapshot snapshot, records->Get(LoopPartition(thread), {"n"}));
      const std::string* n = snapshot.Find("n");
      if (n != nullptr) acknowledged.last[thread] = {std::stoull(*n), snapshot.version};
    }
  }
}

// The disk of the service is lost with the process: what the backup has is all that there is.
TEST(StoreKillTest, TheBackupHasEverythingWhenTheProcessIsKilledAtAnyMoment) {
  std::mt19937_64 random(20'180'301);
  const TempDir directory;
  const TempDir backup;
  Acknowledged acknowledged;
  for (uint64_t round = 0; round < 8; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::string reported = LoopProcess(directory.path(), round * 1'000'000'000, backup.path())
                                     .KillAfter(random() % 200 + 1);
    acknowledged.Add(reported);

    const SecretBytes key = [&] {
      const auto records = OpenRocksRecordStore(directory.path()).value();
      return SecretBytes::CopyOf(*records->Get("service/backup", {"key"}).value().Find("key"));
    }();
    const TempDir restored;
    {
      ASSERT_OK_AND_ASSIGN(const auto reader, BackupReader::Open(backup.path()));
      ASSERT_THAT(reader->Restore(key, restored.path(), nullptr), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<RecordStore> records,
                         OpenRocksRecordStore(restored.path() + "/store"));
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> blobs,
                         OpenFileBlobStore(restored.path() + "/store"));
    VerifyRecords(*records, acknowledged, Versions::kGreater);
    VerifyBlobs(*blobs, acknowledged);
    if (HasFailure()) return;
    // The loop goes on with its own store, which may have one more.
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<RecordStore> own, OpenRocksRecordStore(directory.path()));
    for (int thread = 0; thread < kLoopThreads; ++thread) {
      ASSERT_OK_AND_ASSIGN(Snapshot snapshot, own->Get(LoopPartition(thread), {"n"}));
      const std::string* n = snapshot.Find("n");
      if (n != nullptr) acknowledged.last[thread] = {std::stoull(*n), snapshot.version};
    }
  }
}

}  // namespace
}  // namespace comity
