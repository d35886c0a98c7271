#include "tests/fault/unsteady_file_system.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include <rocksdb/system_clock.h>

namespace comity {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

std::optional<std::string> ReadIfThere(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void WriteWhole(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

bool IsMessageLog(const std::string& path) {
  return std::filesystem::path(path).filename().string().starts_with("LOG");
}

// RocksDB pauses for a second after a failed background job, in case the disk gets well.
class SleeplessClock final : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "SleeplessClock"; }
  void SleepForMicroseconds(int /*micros*/) override { std::this_thread::yield(); }
};

class UnsteadyEnv final : public rocksdb::EnvWrapper {
 public:
  explicit UnsteadyEnv(std::shared_ptr<UnsteadyFileSystem> disk)
      : EnvWrapper(rocksdb::NewCompositeEnv(std::move(disk))) {
    system_clock_ = std::make_shared<SleeplessClock>();
  }
};

uint64_t UpTo(uint64_t most, std::mt19937_64& random) {
  return std::uniform_int_distribution<uint64_t>(0, most)(random);
}

}  // namespace

class UnsteadyFileSystem::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, UnsteadyFileSystem& system,
       std::shared_ptr<Extent> extent)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system), extent_(std::move(extent)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus status = system_.Admit();
    if (status.ok()) status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok()) Grow(data.size());
    return status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*info*/, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const rocksdb::Slice& /*data*/, uint64_t /*offset*/,
                            const IOOptions& /*options*/, IODebugContext* /*debug*/) override {
    return IOStatus::NotSupported("only direct writes would use this");
  }
  IOStatus PositionedAppend(const rocksdb::Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& /*info*/,
                            IODebugContext* debug) override {
    return PositionedAppend(data, offset, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Admit();
    if (status.ok()) status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    return status;
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Admit();
    const IOStatus closed = FSWritableFileOwnerWrapper::Close(options, debug);
    return status.ok() ? closed : status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Admit(/*sync=*/true);
    if (status.ok()) status = FSWritableFileOwnerWrapper::Sync(options, debug);
    if (status.ok()) MarkSynced();
    return status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Admit(/*sync=*/true);
    if (status.ok()) status = FSWritableFileOwnerWrapper::Fsync(options, debug);
    if (status.ok()) MarkSynced();
    return status;
  }

 private:
  void Grow(uint64_t bytes) {
    absl::MutexLock lock(&system_.mutex_);
    extent_->size += bytes;
  }
  void MarkSynced() {
    absl::MutexLock lock(&system_.mutex_);
    extent_->synced = extent_->size;
  }

  UnsteadyFileSystem& system_;
  const std::shared_ptr<Extent> extent_;
};

class UnsteadyFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> directory, UnsteadyFileSystem& system)
      : FSDirectoryWrapper(std::move(directory)), system_(system) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = system_.Admit();
    if (status.ok()) status = FSDirectoryWrapper::Fsync(options, debug);
    if (status.ok()) Settle();
    return status;
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& /*dir_options*/) override {
    return Fsync(options, debug);
  }

 private:
  // A database has one folder only.
  void Settle() {
    absl::MutexLock lock(&system_.mutex_);
    system_.changes_.clear();
  }

  UnsteadyFileSystem& system_;
};

UnsteadyFileSystem::UnsteadyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
UnsteadyFileSystem::~UnsteadyFileSystem() = default;

void UnsteadyFileSystem::FailAt(uint64_t call, FailureKind kind) {
  absl::MutexLock lock(&mutex_);
  calls_to_failure_ = call;
  kind_ = kind;
  failed_ = false;
}

void UnsteadyFileSystem::FailSyncAt(uint64_t sync, FailureKind kind) {
  absl::MutexLock lock(&mutex_);
  syncs_to_failure_ = sync;
  kind_ = kind;
  failed_ = false;
}

bool UnsteadyFileSystem::failed() const {
  absl::MutexLock lock(&mutex_);
  return failed_;
}

IOStatus UnsteadyFileSystem::Admit(bool sync) {
  absl::MutexLock lock(&mutex_);
  if (failed_ && kind_ == FailureKind::kForGood) return IOStatus::IOError("the disk is gone");
  const bool call_fails = calls_to_failure_ > 0 && --calls_to_failure_ == 0;
  const bool sync_fails = sync && syncs_to_failure_ > 0 && --syncs_to_failure_ == 0;
  if (!call_fails && !sync_fails) return IOStatus::OK();
  failed_ = true;
  return IOStatus::IOError("a planned failure");
}

void UnsteadyFileSystem::RecordChange(const std::string& path,
                                      std::optional<std::string> renamed_from,
                                      std::optional<std::string> old_content) {
  absl::MutexLock lock(&mutex_);
  if (renamed_from.has_value()) {
    extents_[path] = extents_[*renamed_from];
    extents_.erase(*renamed_from);
  }
  changes_.push_back({path, std::move(renamed_from), std::move(old_content)});
}

IOStatus UnsteadyFileSystem::NewWritableFile(const std::string& path,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
  if (IsMessageLog(path)) return target()->NewWritableFile(path, options, file, debug);
  IOStatus status = Admit();
  if (!status.ok()) return status;
  std::optional<std::string> old_content = ReadIfThere(path);
  status = target()->NewWritableFile(path, options, file, debug);
  if (!status.ok()) return status;
  RecordChange(path, std::nullopt, std::move(old_content));
  auto extent = std::make_shared<Extent>();
  {
    absl::MutexLock lock(&mutex_);
    extents_[path] = extent;
  }
  *file = std::make_unique<File>(std::move(*file), *this, std::move(extent));
  return status;
}

IOStatus UnsteadyFileSystem::ReopenWritableFile(const std::string& /*path*/,
                                                const rocksdb::FileOptions& /*options*/,
                                                std::unique_ptr<rocksdb::FSWritableFile>* /*file*/,
                                                IODebugContext* /*debug*/) {
  return IOStatus::NotSupported("the driver appends to no file again");
}

IOStatus UnsteadyFileSystem::ReuseWritableFile(const std::string& /*path*/,
                                               const std::string& /*old_path*/,
                                               const rocksdb::FileOptions& /*options*/,
                                               std::unique_ptr<rocksdb::FSWritableFile>* /*file*/,
                                               IODebugContext* /*debug*/) {
  return IOStatus::NotSupported("the driver recycles no log");
}

IOStatus UnsteadyFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                          std::unique_ptr<rocksdb::FSDirectory>* directory,
                                          IODebugContext* debug) {
  IOStatus status = target()->NewDirectory(path, options, directory, debug);
  if (status.ok()) *directory = std::make_unique<Directory>(std::move(*directory), *this);
  return status;
}

IOStatus UnsteadyFileSystem::DeleteFile(const std::string& path, const IOOptions& options,
                                        IODebugContext* debug) {
  if (IsMessageLog(path)) return target()->DeleteFile(path, options, debug);
  IOStatus status = Admit();
  if (!status.ok()) return status;
  std::optional<std::string> old_content = ReadIfThere(path);
  status = target()->DeleteFile(path, options, debug);
  if (status.ok()) RecordChange(path, std::nullopt, std::move(old_content));
  return status;
}

IOStatus UnsteadyFileSystem::RenameFile(const std::string& from, const std::string& to,
                                        const IOOptions& options, IODebugContext* debug) {
  if (IsMessageLog(from)) return target()->RenameFile(from, to, options, debug);
  IOStatus status = Admit();
  if (!status.ok()) return status;
  std::optional<std::string> old_content = ReadIfThere(to);
  status = target()->RenameFile(from, to, options, debug);
  if (status.ok()) RecordChange(to, from, std::move(old_content));
  return status;
}

IOStatus UnsteadyFileSystem::LinkFile(const std::string& /*from*/, const std::string& /*to*/,
                                      const IOOptions& /*options*/, IODebugContext* /*debug*/) {
  return IOStatus::NotSupported("the driver links no file");
}

IOStatus UnsteadyFileSystem::Truncate(const std::string& path, size_t size,
                                      const IOOptions& options, IODebugContext* debug) {
  IOStatus status = Admit();
  if (!status.ok()) return status;
  return target()->Truncate(path, size, options, debug);
}

void UnsteadyFileSystem::Undo(const NameChange& change) {
  if (change.renamed_from.has_value()) {
    std::filesystem::rename(change.path, *change.renamed_from);
  } else {
    std::filesystem::remove(change.path);
  }
  if (change.old_content.has_value()) WriteWhole(change.path, *change.old_content);
}

void UnsteadyFileSystem::LoseUnsynced(std::mt19937_64& random) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [path, extent] : extents_) {
    if (extent->synced == extent->size || !std::filesystem::exists(path)) continue;
    const uint64_t kept = extent->synced + UpTo(extent->size - extent->synced, random);
    // Of the blocks kept at the end of a log, some may never have been filled.
    if (path.ends_with(".log") && UpTo(1, random) == 0) {
      std::filesystem::resize_file(path, extent->synced + UpTo(kept - extent->synced, random));
    }
    std::filesystem::resize_file(path, kept);
  }
  for (uint64_t lost = UpTo(changes_.size(), random); lost > 0; --lost) {
    Undo(changes_.back());
    changes_.pop_back();
  }
  changes_.clear();
  extents_.clear();
}

std::unique_ptr<rocksdb::Env> NewUnsteadyEnv(std::shared_ptr<UnsteadyFileSystem> disk) {
  return std::make_unique<UnsteadyEnv>(std::move(disk));
}

}  // namespace comity
