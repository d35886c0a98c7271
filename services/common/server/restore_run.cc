#include "services/common/server/restore_run.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "services/common/backup/backup_reader.h"
#include "services/common/files/files.h"
#include "services/common/log/checkpoint.h"
#include "services/common/log/merkle.h"
#include "services/common/log/root_builder.h"
#include "services/common/log/stored_log.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/open.h"

namespace comity {
namespace {

// Stands in a folder from before anything is restored into it until all of it is.
constexpr char kUnfinished[] = "/restore-unfinished";

void Tell(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

absl::Status FileProblem(const std::string& path, const std::error_code& error) {
  return Refuse(Reason::kStoreUnavailable, path + ": " + error.message());
}

absl::Status RemoveContents(const std::string& directory) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    // The mark goes last, by itself.
    if (entry->path().string() == directory + kUnfinished) continue;
    std::filesystem::remove_all(entry->path(), error);
    if (error) break;
  }
  return error ? FileProblem(directory, error) : absl::OkStatus();
}

absl::Status Remove(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? FileProblem(path, error) : absl::OkStatus();
}

// An empty folder with the mark in it.
absl::Status TakeFolder(const std::string& directory) {
  RETURN_IF_ERROR(MakePrivateFolders(directory));
  const std::string mark = directory + kUnfinished;
  if (FileExists(mark)) {
    Tell("Beginning anew what an earlier restore left unfinished in " + directory + ".");
    return RemoveContents(directory);
  }
  std::error_code error;
  const bool empty = std::filesystem::is_empty(directory, error);
  if (error) return FileProblem(directory, error);
  if (!empty) {
    return Refuse(Reason::kStateNotReady,
                  directory +
                      " is not empty: --dir names where the restored service is to be, a "
                      "new folder");
  }
  return WriteFileDurably(mark, "1\n", FileMode::kPrivate);
}

absl::Status WriteOpeningFiles(const RestoreOrder& order, const BackupHead& head,
                               const BackupRules& rules) {
  const std::string identity = order.target.directory + "/identity";
  RETURN_IF_ERROR(MakePrivateFolders(identity));
  for (const std::string& name : rules.opening_files) {
    const auto file = head.files.find(name);
    if (file == head.files.end()) continue;
    RETURN_IF_ERROR(WriteFileDurably(identity + "/" + name, file->second, FileMode::kPrivate));
  }
  if (order.root_key.empty()) return absl::OkStatus();
  if (rules.left_out.empty() || !order.target.topology.development()) {
    return Refuse(Reason::kNotDevelopment, "--root-key");
  }
  ASSIGN_OR_RETURN(const SecretBytes root, ReadPrivateFile(order.root_key));
  return WritePrivateFile(identity + "/" + rules.left_out.front(), root);
}

absl::StatusOr<SecretBytes> OpenKey(const RestoreOrder& order, const BackupHead& head,
                                    const BackupRules& rules) {
  BackupOpening opening{.topology = order.target.topology,
                        .region = order.target.region,
                        .directory = order.target.directory,
                        .token = order.token,
                        .keys = head.keys,
                        .now = order.target.now};
  for (const std::string& path : order.shares) {
    ASSIGN_OR_RETURN(SecretBytes share, ReadPrivateFile(path));
    opening.shares.push_back(std::move(share));
  }
  return rules.open(opening);
}

absl::Status CheckOwner(const RestoreOrder& order, const BackupOwner& owner) {
  if (owner.deployment == order.target.topology.deployment() &&
      owner.region == order.target.region && owner.kind == order.target.kind) {
    return absl::OkStatus();
  }
  return Refuse(Reason::kStateNotReady, "it is the backup of " + std::string(Name(owner.kind)) +
                                            " of " + owner.region.name() + " in " +
                                            owner.deployment);
}

// The log that was restored goes on from every checkpoint that somebody kept of it.
absl::Status CheckCheckpoints(const RestoreOrder& order, const VerifiedLog& log) {
  const std::string origin =
      order.target.topology.LogOrigin(order.target.region, order.target.kind);
  const ServiceInfo& info =
      order.target.topology.FindRegion(order.target.region)->service(order.target.kind);
  for (const std::string& path : order.checkpoints) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    const absl::StatusOr<Checkpoint> kept = VerifyCheckpoint(text, origin, *info.log_key);
    if (!kept.ok()) {
      return Refuse(ReasonOf(kept.status()), path + ": " + CauseOf(kept.status()));
    }
    if (kept->size > log.leaves.size()) {
      return Refuse(Reason::kStateNotReady,
                    "the backup goes back behind the log: " + path + " is of " +
                        std::to_string(kept->size) + " entries, the backup has " +
                        std::to_string(log.leaves.size()) + "; find a newer copy");
    }
    merkle::RootBuilder builder;
    for (uint64_t i = 0; i < kept->size; ++i) builder.Add(merkle::LeafHash(log.leaves[i]));
    if (builder.Root() != kept->root) {
      return Refuse(Reason::kDataCorrupt, path + " is of another log than the backup has");
    }
    Tell("The log goes on from the checkpoint in " + path + ", of " + std::to_string(kept->size) +
         " entries.");
  }
  return absl::OkStatus();
}

absl::StatusOr<VerifiedLog> ReadRestoredLog(const RestoreOrder& order, RecordStore& records,
                                            BlobStore& blobs) {
  return ReadStoredLog(order.target.topology.LogOrigin(order.target.region, order.target.kind),
                       "log/" + std::string(Name(order.target.kind)), &records, &blobs);
}

// Whether the log is as it was signed, and not behind what others know; and the mark that has the
// next start tell of all this.
absl::Status SettleLog(const RestoreOrder& order) {
  const std::string store = order.target.directory + "/store";
  ASSIGN_OR_RETURN(const std::unique_ptr<RecordStore> records, OpenRocksRecordStore(store));
  ASSIGN_OR_RETURN(const std::unique_ptr<BlobStore> blobs, OpenFileBlobStore(store));
  ASSIGN_OR_RETURN(const VerifiedLog log, ReadRestoredLog(order, *records, *blobs));
  Tell("Its log has " + std::to_string(log.leaves.size()) + " entries.");
  RETURN_IF_ERROR(CheckCheckpoints(order, log));
  if (order.checkpoints.empty()) {
    Tell(
        "No checkpoint was given (--checkpoint): nothing but this backup says that it is the "
        "newest.");
  }
  return SetRestoredMark(*records, log.leaves.size());
}

std::string DescribeTotals(const BackupReader::Totals& totals) {
  std::string text = "Restored " + std::to_string(totals.records) + " records in " +
                     std::to_string(totals.partitions) + " partitions, " +
                     std::to_string(totals.blobs) + " files of the log and " +
                     std::to_string(totals.audit_records) + " audit records.";
  if (totals.unended != 0) {
    text += "\n" + std::to_string(totals.unended) +
            " partitions were being brought into step when the service ended, and are lost.";
  }
  return text;
}

absl::Status Restore(const RestoreOrder& order, const BackupRules& rules) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BackupReader> reader, BackupReader::Open(order.backup));
  const BackupHead& head = reader->head();
  RETURN_IF_ERROR(CheckOwner(order, head.owner));
  Tell("Backup of " + std::string(Name(head.owner.kind)) + " of " + head.owner.region.name() +
       " in " + head.owner.deployment + ", whole since " + FormatTime(head.complete) + ".");
  RETURN_IF_ERROR(WriteOpeningFiles(order, head, rules));
  ASSIGN_OR_RETURN(const SecretBytes key, OpenKey(order, head, rules));
  ASSIGN_OR_RETURN(const BackupReader::Totals totals,
                   reader->Restore(key, order.target.directory, [](uint64_t done, uint64_t all) {
                     Tell(std::to_string(done) + " of " + std::to_string(all) + " partitions");
                   }));
  Tell(DescribeTotals(totals));
  return SettleLog(order);
}

absl::StatusOr<uint64_t> TestRestored(const RestoreOrder& order,
                                      const ServiceDefinition& definition) {
  const absl::StatusOr<uint64_t> checked =
      RunStoreCheck(order.target, definition.check_store, StoreCheckOutput::kViolationsOnly);
  // Whatever came of it: keys of the identity lie there.
  RETURN_IF_ERROR(RemoveContents(order.target.directory));
  RETURN_IF_ERROR(Remove(order.target.directory));
  ASSIGN_OR_RETURN(const uint64_t violations, checked);
  Tell(violations == 0
           ? "Everything in it was checked and is right. The backup can be restored; what was "
             "restored for the test is removed."
           : std::to_string(violations) +
                 " things are wrong with what was restored; it is "
                 "removed. docs/check.md says what each means.");
  return violations;
}

}  // namespace

absl::StatusOr<uint64_t> RunRestore(const RestoreOrder& order,
                                    const ServiceDefinition& definition) {
  RETURN_IF_ERROR(TakeFolder(order.target.directory));
  if (const absl::Status restored = Restore(order, definition.backup); !restored.ok()) {
    // What was opened for it lies there, and is of no use to anybody.
    RemoveContents(order.target.directory).IgnoreError();
    Remove(order.target.directory).IgnoreError();
    return restored;
  }
  if (order.test) return TestRestored(order, definition);
  RETURN_IF_ERROR(Remove(order.target.directory + kUnfinished));
  Tell("Done: " + order.target.directory +
       " is the service's folder. Start it with the same flags as before, --backup " +
       order.backup + " included; then have its root key rotated.");
  return 0;
}

absl::Status CheckNotUnfinished(const std::string& directory) {
  if (!FileExists(directory + kUnfinished)) return absl::OkStatus();
  return Refuse(Reason::kStateNotReady,
                directory + " was being restored and is not whole: run the restore again");
}

}  // namespace comity
